// Time of the map's request, with the document and the variables that the page sends, by zoom, range and layer.
//
//   AIRGRAPH_BIN=../target/release/airgraph npm run bench -- mapViews
//
// A gateway with a database of its own is filled by `airgraph demo` first, with AIRGRAPH_BENCH_DEMO (default: 80 bicycles
// and 100 stations for 9 days, about 1.3 million measurements). With AIRGRAPH_BENCH_DATA, a folder, the database is kept
// for the next run. With AIRGRAPH_BENCH_URL a running gateway is measured, without the CPU time.
//
// On a machine with other work the time of a request says little; the CPU time of gateway and Postgres stays the same.
import { readFile } from "node:fs/promises";
import { print } from "graphql";
import { afterAll, beforeAll, test } from "vitest";
import { MapDocument, type MapQuery, type MapQueryVariables } from "../src/graphql/generated/explorer";
import { mapVariables } from "../src/explorer/data/request";
import { type Bounds, resolutionFor, snapToTiles } from "../src/explorer/map/resolution";
import { type Camera, DEFAULT_VIEW, type View } from "../src/explorer/view";
import type { Gateway } from "../test/server/gateway";
import { cpuMilliseconds } from "./cpuTime";

const DEMO = process.env["AIRGRAPH_BENCH_DEMO"] ?? "--bikes 80 --stations 100 --days 9";
const KEPT_DATA = process.env["AIRGRAPH_BENCH_DATA"];
/** Size of the map in pixels. */
const SIZE = { width: 1280, height: 700 };
/** Centre of the simulated town. */
const TOWN = { longitude: 0.1218, latitude: 52.2053 };
const RUNS = 5;
/** Requests before: after five executions on each of its connections, Postgres chooses the plan of a prepared statement. */
const WARM_UP = 12;
const TILE_PIXELS = 512;

const HOUR = 3_600_000;
const recent = (hours: number): Partial<View> => ({ range: { kind: "recent", hours } });
const VIEWS: [string, number, Partial<View>][] = [
  ["PM2.5, 1 h, one street", 17, recent(1)],
  ["PM2.5, 6 h, some streets", 15, recent(6)],
  ["PM2.5, 24 h, the town", 12, {}],
  ["PM2.5, 24 h, its centre", 13.5, {}],
  ["PM2.5, 24 h, some streets", 15, {}],
  ["PM2.5, 24 h, one street", 17, {}],
  ["PM2.5, 9 d, the town", 12, recent(9 * 24)],
  ["PM2.5, 7 d, the town", 12, recent(7 * 24)],
  ["PM2.5, 7 d, its centre", 13.5, recent(7 * 24)],
  ["PM2.5, 7 d, some streets", 15, recent(7 * 24)],
  ["PM2.5, 7 d, one street", 17, recent(7 * 24)],
  ["PM2.5, 30 d, the region", 9, recent(30 * 24)],
  ["PM2.5, 30 d, the town", 12, recent(30 * 24)],
  ["PM2.5, 30 d, some streets", 15, recent(30 * 24)],
  ["temperature, 24 h, the town", 12, { layer: { kind: "quantity", quantity: "TEMPERATURE" } }],
  ["temperature, 24 h, some streets", 15, { layer: { kind: "quantity", quantity: "TEMPERATURE" } }],
  ["temperature, 7 d, the town", 12, { layer: { kind: "quantity", quantity: "TEMPERATURE" }, ...recent(7 * 24) }],
  ["NO2, 24 h, the town", 12, { layer: { kind: "quantity", quantity: "NO2" } }],
  ["NO2, 30 d, the town", 12, { layer: { kind: "quantity", quantity: "NO2" }, ...recent(30 * 24) }],
  ["European index, 24 h, the town", 12, { layer: { kind: "index", scale: "EUROPEAN_AQI" } }],
  ["step of 30 min of 24 h, the town", 12, { at: new Date(Math.floor(Date.now() / HOUR) * HOUR - 6 * HOUR).toISOString() }],
  ["step of 3 h of 7 d, the town", 12, { at: new Date(Math.floor(Date.now() / (3 * HOUR)) * 3 * HOUR - 24 * HOUR).toISOString(), ...recent(7 * 24) }],
];

let gateway: Gateway | undefined;
let url: string;

beforeAll(async () => {
  url = process.env["AIRGRAPH_BENCH_URL"] ?? "";
  if (url === "") {
    const { Gateway } = await import("../test/server/gateway");
    gateway = await Gateway.start({
      ...(KEPT_DATA && { AIRGRAPH_DATA_DIR: KEPT_DATA }),
      AIRGRAPH_LOG: "error", // not the slow statements
      AIRGRAPH_RATE_LIMIT_COST_PER_MINUTE: "unlimited",
      AIRGRAPH_ANONYMOUS_DATABASE_SECONDS_PER_MINUTE: "unlimited",
    });
    url = gateway.url;
    if ((await total()) === 0) {
      await gateway.demo(...DEMO.split(" "));
    }
  }
}, 1_800_000);

afterAll(() => (KEPT_DATA ? gateway?.stop() : gateway?.remove()));

test("views of the map", async () => {
  const load = (await readFile("/proc/loadavg", "utf8")).split(" ", 1)[0];
  console.log(`${await total()} measurements; ${SIZE.width} × ${SIZE.height} pixels; ${RUNS} requests; load ${load}`);
  console.log(`${"".padEnd(34)} res  median ms  max ms  CPU ms of gateway, Postgres     kB   cells devices trips      cost`);
  for (const [name, zoom, change] of VIEWS) {
    const variables = variablesOf({ ...DEFAULT_VIEW, ...change }, { ...TOWN, zoom });
    let answer = await send(variables);
    for (let run = 1; run < WARM_UP; run++) {
      answer = await send(variables);
    }
    const times: number[] = [];
    const before = await cpuMilliseconds(gateway);
    for (let run = 0; run < RUNS; run++) {
      answer = await send(variables);
      times.push(answer.time);
    }
    const after = await cpuMilliseconds(gateway);
    const cpu = after.map((time, index) => ((time - (before[index] ?? 0)) / RUNS).toFixed(0));
    times.sort((one, other) => one - other);
    const { data } = answer;
    console.log(
      [
        name.padEnd(34),
        column(variables.resolution, 4),
        column(times[RUNS >> 1]!.toFixed(0), 11),
        column(times.at(-1)!.toFixed(0), 8),
        column(cpu[0] ?? "", 19),
        column(cpu[1] ?? "", 10),
        column((answer.bytes / 1000).toFixed(0), 7),
        column(data ? data.cells.length : answer.error, 8),
        column(data?.devices.nodes.length ?? "", 8),
        column(data?.mobile?.nodes.reduce((sum, { trips }) => sum + trips.nodes.length, 0) ?? "", 6),
        column(answer.cost, 10),
      ].join(""),
    );
  }
}, 600_000);

function column(value: number | string, width: number): string {
  return String(value).padStart(width);
}

function variablesOf(view: View, camera: Camera): MapQueryVariables {
  const map = { area: snapToTiles(boundsOf(camera), camera.zoom), zoom: camera.zoom, resolution: resolutionFor(camera) };
  return mapVariables(view, map, Math.ceil(Date.now() / 60_000) * 60_000);
}

/** The part of the earth that the map shows, on which a degree of latitude is as long everywhere. */
function boundsOf({ longitude, latitude, zoom }: Camera): Bounds {
  const degrees = 360 / (TILE_PIXELS * 2 ** zoom);
  const [width, height] = [(SIZE.width * degrees) / 2, ((SIZE.height * degrees) / 2) * Math.cos((latitude * Math.PI) / 180)];
  return { west: longitude - width, east: longitude + width, south: latitude - height, north: latitude + height };
}

interface Answer {
  time: number;
  bytes: number;
  data: MapQuery | null;
  error: string;
  cost: number;
}

async function send(variables: MapQueryVariables): Promise<Answer> {
  const began = performance.now();
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: print(MapDocument), variables }),
  });
  const text = await response.text();
  const time = performance.now() - began;
  const { data, errors, extensions } = JSON.parse(text) as {
    data?: MapQuery;
    errors?: { message: string }[];
    extensions?: { cost?: { requested: number } };
  };
  return {
    time,
    bytes: text.length,
    data: data ?? null,
    error: errors?.[0]?.message ?? "",
    cost: extensions?.cost?.requested ?? 0,
  };
}

async function total(): Promise<number> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ statistics(filter: {}) { count } }" }),
  });
  const { data } = (await response.json()) as { data: { statistics: { count: number }[] } };
  return data.statistics.reduce((sum, { count }) => sum + count, 0);
}
