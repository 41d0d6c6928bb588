// The explorer on gateways that really are overloaded: by the requests of other clients, and by its own.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ExplorerPage, hasProgram, type Site, startSite } from "./explorerPage";
import { launchBrowser } from "./guardedPage";

/** Chromium logs responses with these status codes. */
const REFUSED = /Failed to load resource: the server responded with a status of (429|503)/;
const LATITUDE = 52.2;
const LONGITUDE = 0.12;
const HERE = `?map=${LATITUDE},${LONGITUDE},13&live=off`;
const BANNER = "The gateway is busy.";
/** Clients that send requests all the time: more than the gateway lets wait until one of two has its answer. */
const CLIENTS = 12;
/** Measurements that each of their requests sorts many times, which takes seconds. */
const MEASUREMENTS = 30_000;
const HEAVY_QUERY = `{ ${Array.from(
  { length: 20 },
  (_, index) => `s${index}: statistics(filter: {measuredAt: {from: "2020-01-01T00:00:0${index % 10}.${index}Z"}}) {
    quantity(of: PM10) { percentile(p: 50) }
  }`,
).join(" ")} }`;

let browser: Browser;
let site: Site;
let explorer: ExplorerPage;

async function open(): Promise<Page> {
  explorer = await ExplorerPage.open(browser, site, HERE, { expectedErrors: REFUSED });
  return explorer.page;
}

/** Sends a request without a key. */
function post(query: string, signal: AbortSignal): Promise<Response> {
  return fetch(`${site.gateway.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
    signal,
  });
}

/** Sends requests by `clients` clients until `stop` is called, which returns how many had each status. */
function load(query: string, clients: number) {
  const stopped = new AbortController();
  const statuses = new Map<number, number>();
  const send = async () => {
    while (!stopped.signal.aborted) {
      const { status } = await post(query, stopped.signal);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const ended = Promise.allSettled(Array.from({ length: clients }, send));
  return {
    statuses,
    async stop() {
      stopped.abort();
      await ended;
    },
  };
}

/** Requests other ranges until the gateway refuses one. */
async function requestUntilRefused(page: Page) {
  const ranges = ["last hour", "last 7 days", "last 30 days", "last 24 hours"];
  await expect
    .poll(async () => {
      const next = ranges.shift()!;
      ranges.push(next);
      await page.getByRole("button", { name: next }).click();
      return page.getByText(BANNER).waitFor({ timeout: 2000 }).then(() => true, () => false);
    })
    .toBe(true);
}

/** The state of a busy gateway: the page says so, keeps what it shows, and can be used. */
async function expectBusy(page: Page) {
  await page.getByText(/^Trying again( in \d+ s|…)$/).waitFor();
  expect(await page.locator(".legend-sentence").innerText()).toMatch(/1 device,/);
  expect(await page.getByRole("heading", { name: "The gateway" }).count(), "no failure").toBe(0);
  expect(await explorer.violations()).toEqual([]);
}

/** Without a click the page has the range that was chosen last. */
async function expectRecovered(page: Page) {
  await page.getByText(BANNER).waitFor({ state: "detached", timeout: 90_000 });
  await page.locator('.map-frame[aria-busy="false"]').waitFor();
  expect(await page.getByRole("alert").count()).toBe(0);
}

describe.skipIf(!hasProgram)("the explorer on an overloaded gateway", () => {
  beforeAll(async () => {
    browser = await launchBrowser("http://127.0.0.1");
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    await explorer?.close();
    await site?.remove();
  });

  test("requests of other clients take all permits: the page waits, and continues when they end", async () => {
    site = await startSite({
      DATABASE_READ_POOL_SIZE: "1", // two requests at a time
      AIRGRAPH_RATE_LIMIT_COST_PER_MINUTE: "unlimited",
      AIRGRAPH_ANONYMOUS_DATABASE_SECONDS_PER_MINUTE: "unlimited",
    });
    await recordMany();
    const page = await open();
    await explorer.announced(/1 device$/);

    const others = load(HEAVY_QUERY, CLIENTS);
    await expect.poll(() => others.statuses.get(503) ?? 0).toBeGreaterThan(CLIENTS);
    await requestUntilRefused(page);
    await expectBusy(page);
    await others.stop();
    await expectRecovered(page);
    expect([...others.statuses.keys()].filter((status) => status !== 200 && status !== 503)).toEqual([]);
  });

  test("the page's own budget is spent: it waits as long as the gateway says, and continues", async () => {
    site = await startSite({ AIRGRAPH_RATE_LIMIT_COST_PER_MINUTE: "200000" });
    await recordMany();
    const page = await open();
    await explorer.announced(/1 device$/);
    await requestUntilRefused(page);
    await expectBusy(page);
    await expectRecovered(page);
  });
});

/** Stores the measurements of one device, in the last hours. */
async function recordMany() {
  const { url, key } = site.gateway;
  const now = Math.floor(Date.now() / 1000);
  const samples = Array.from({ length: MEASUREMENTS }, (_, index) => ({
    device: "many",
    time: now - index,
    pm10: 10 + (index % 90),
    pm2_5: 5 + (index % 70),
    latitude: LATITUDE,
    longitude: LONGITUDE,
  }));
  for (let start = 0; start < samples.length; start += 5000) {
    const response = await fetch(`${url}/ingest/json`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(samples.slice(start, start + 5000)),
    });
    expect(response.status, await response.text()).toBeLessThan(300);
  }
}
