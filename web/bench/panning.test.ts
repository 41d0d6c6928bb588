// Dragging a map of 5000 cells: frames per second, and where the time of a frame goes, from a trace of Chromium.
//
//   AIRGRAPH_BIN=../target/release/airgraph npm run bench -- panning
//
// Here WebGL is drawn in software, by another process: the frames per second are those of this CPU. The figure of the page
// is the time of its main thread per frame, which leaves 16.7 ms at 60 frames per second.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { EDGE_LENGTHS } from "../src/explorer/h3";
import { type Site, startSite } from "../test/browser/explorerPage";
import { launchBrowser } from "../test/browser/guardedPage";

const CELLS = 5000;
const RESOLUTION = 9;
const MIDDLE = { latitude: 52.2, longitude: 0.12 };
/** The zoom of resolution 9 at which most cells are in view. */
const ZOOM = 11.35;
const SECONDS = 6;
/** Requests of `recordMeasurements`. */
const BATCH = 1000;
const FRAME = 1000 / 60;

let site: Site;
let browser: Browser;

beforeAll(async () => {
  site = await startSite();
  await recordGrid();
  browser = await launchBrowser(site.url);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await site?.remove();
});

test("dragging a map of many cells", async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${site.url}/?map=${MIDDLE.latitude},${MIDDLE.longitude},${ZOOM}&trips=off&live=off`);
  await page.locator('.map-frame[aria-busy="false"] .map[data-state="idle"]').waitFor({ timeout: 60_000 });
  const sentence = await page.locator(".legend-sentence").innerText();

  await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"] });
  const frames = await drag(page);
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  report(sentence, frames, trace.traceEvents);
  await context.close();
}, 120_000);

/** Drags the map in circles, and returns the times of its frames. */
async function drag(page: Page): Promise<number[]> {
  await page.evaluate(() => {
    const times: number[] = [];
    Object.assign(window, { frameTimes: times });
    const frame = (time: number) => {
      times.push(time);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  const box = (await page.locator(".map").boundingBox())!;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  const end = Date.now() + SECONDS * 1000;
  for (let step = 0; Date.now() < end; step++) {
    await page.mouse.move(x + 200 * Math.sin(step / 15), y + 120 * Math.sin(step / 10));
    await new Promise((next) => setTimeout(next, FRAME));
  }
  await page.mouse.up();
  return page.evaluate(() => (window as unknown as { frameTimes: number[] }).frameTimes);
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  tdur?: number;
  args: { name?: string };
}

function report(sentence: string, frames: readonly number[], events: readonly TraceEvent[]): void {
  const seconds = ((frames.at(-1) ?? 0) - (frames[0] ?? 0)) / 1000;
  const gaps = frames.slice(1).map((time, index) => time - (frames[index] ?? 0));
  const threads = events.filter(({ name }) => name === "thread_name");
  const page = threads.find(({ args, pid }) => args.name === "CrRendererMain" && events.some((event) => event.pid === pid && event.name === "FireAnimationFrame"));
  const tasks = (thread: { pid: number; tid: number } | undefined) =>
    events.filter(({ name, pid, tid, dur }) => name === "RunTask" && dur !== undefined && pid === thread?.pid && tid === thread.tid);
  const main = tasks(page);
  const count = Math.max(gaps.length, 1);
  const sum = (times: readonly number[]) => times.reduce((total, time) => total + time, 0);
  const cpu = sum(main.map(({ tdur, dur }) => tdur ?? dur ?? 0)) / 1000;
  const callbacks = events
    .filter(({ name, pid, dur }) => name === "FireAnimationFrame" && pid === page?.pid && dur !== undefined)
    .map(({ dur }) => (dur ?? 0) / 1000);
  const long = main.map(({ dur }) => (dur ?? 0) / 1000).filter((time) => time > 50);
  const gpu = tasks(threads.find(({ args }) => args.name === "CrGpuMain"));
  console.log(
    [
      sentence,
      `${seconds.toFixed(1)} s of dragging: ${(count / seconds).toFixed(0)} frames per second; time between frames: median ${quantile(gaps, 0.5)}, 95 % ${quantile(gaps, 0.95)} ms`,
      `main thread: ${(cpu / count).toFixed(1)} ms of CPU time per frame, ${((cpu / (seconds * 1000)) * 100).toFixed(0)} % busy; tasks over 50 ms: ${long.length}${long.length > 0 ? `, longest ${Math.max(...long).toFixed(0)} ms` : ""}`,
      `callbacks of frames: median ${quantile(callbacks, 0.5)}, 95 % ${quantile(callbacks, 0.95)} ms`,
      `drawing in software (GPU process): ${(sum(gpu.map(({ dur }) => dur ?? 0)) / 1000 / count).toFixed(1)} ms per frame`,
    ].join("\n"),
  );
}

function quantile(values: readonly number[], share: number): string {
  return (values.toSorted((one, other) => one - other)[Math.floor(values.length * share)] ?? 0).toFixed(1);
}

/** Stores one sample in each of `CELLS` neighbouring cells: on a grid of triangles as dense as the centres of the cells. */
async function recordGrid(): Promise<void> {
  const { url, key } = site.gateway;
  const metresPerDegree = 111_200;
  const distance = (EDGE_LENGTHS[RESOLUTION] ?? 0) * Math.sqrt(3);
  const rows = Math.ceil(Math.sqrt(CELLS));
  const now = Date.now();
  const samples = Array.from({ length: rows * rows }, (_, index) => {
    const [row, column] = [Math.floor(index / rows) - rows / 2, (index % rows) - rows / 2];
    const east = (column + (row % 2 === 0 ? 0 : 0.5)) * distance;
    const north = row * distance * (Math.sqrt(3) / 2);
    return {
      device: "grid",
      time: new Date(now - (index + 60) * 1000).toISOString(),
      pm2_5: 5 + (index % 40),
      latitude: MIDDLE.latitude + north / metresPerDegree,
      longitude: MIDDLE.longitude + east / metresPerDegree / Math.cos((MIDDLE.latitude * Math.PI) / 180),
    };
  });
  for (let start = 0; start < samples.length; start += BATCH) {
    const response = await fetch(`${url}/ingest/json`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(samples.slice(start, start + BATCH)),
    });
    if (!response.ok) {
      throw new Error(`${response.status}: ${await response.text()}`);
    }
  }
}
