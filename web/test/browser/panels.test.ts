// The panels of devices, cells and trips, on measurements that the test stores.
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ExplorerPage, graphql, hasProgram, type Site, startSite } from "./explorerPage";
import { launchBrowser } from "./guardedPage";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PHONE = { viewport: { width: 320, height: 800 }, isMobile: true, hasTouch: true };

let site: Site;
let browser: Browser;
let explorer: ExplorerPage;
/** The trip of `panel-bike`, and the cell of `panel-station`. */
let trip: string;
let cell: string;

/** Samples are at full ten minutes. */
const now = Math.floor(Date.now() / (10 * MINUTE)) * 10 * MINUTE;

interface Sample {
  device: string;
  measuredAt: string;
  pm25: number;
  pm10: number;
  latitude?: number;
  longitude?: number;
}

/** Every 10 minutes for 3 days, without data from 30 to 20 hours ago, and one value out of range. */
function stationSamples(device: string, offset: number): Sample[] {
  return Array.from({ length: 432 }, (_, index) => {
    const age = (index + 1) * 10;
    const pm25 = age === 600 ? 5000 : offset + (index % 6);
    return {
      device,
      measuredAt: new Date(now - age * MINUTE).toISOString(),
      pm25,
      pm10: pm25 + 6,
    };
  }).filter(({ measuredAt }) => {
    const age = (now - Date.parse(measuredAt)) / HOUR;
    return age <= 20 || age > 30;
  });
}

/** 20 minutes at 4 m/s, two hours ago. */
function tripSamples(): Sample[] {
  return Array.from({ length: 240 }, (_, index) => ({
    device: "panel-bike",
    measuredAt: new Date(now - 2 * HOUR + index * 5000).toISOString(),
    pm25: 8 + (index % 10),
    pm10: 20,
    latitude: 52.2 + index * 0.00018,
    longitude: 0.12,
  }));
}

async function store(samples: Sample[]): Promise<void> {
  await graphql(
    site.gateway,
    "mutation ($input: RecordMeasurementsInput!) { recordMeasurements(input: $input) { status } }",
    { input: { measurements: samples } },
  );
}

async function open(query: string, options?: Parameters<typeof ExplorerPage.open>[3]): Promise<Page> {
  explorer = await ExplorerPage.open(browser, site, query, options);
  return explorer.page;
}

const panel = (page: Page, name: string | RegExp) => page.getByRole("region", { name, exact: true });

/** Content that arrives moves the buttons below it, and a click on one that moves may be lost. */
const allLoaded = (page: Page) =>
  expect.poll(() => page.locator('.panel[aria-busy="true"]').count(), { timeout: 30_000 }).toBe(0);

describe.skipIf(!hasProgram)("the panels", () => {
  beforeAll(async () => {
    site = await startSite();
    const register = `mutation ($input: RegisterDeviceInput!) { registerDevice(input: $input) { status } }`;
    for (const [key, name, latitude] of [
      ["panel-station", "Market Square", 52.205],
      ["panel-other", "Mill Road", 52.215],
    ] as const) {
      await graphql(site.gateway, register, {
        input: { key, name, kind: "FIXED", latitude, longitude: 0.12, licence: "CC-BY-4.0" },
      });
    }
    await store(stationSamples("panel-station", 8).map((sample) => ({ ...sample, latitude: 52.205, longitude: 0.12 })));
    await store(stationSamples("panel-other", 20));
    await store(tripSamples());
    const found = await graphql<{
      bike: { trips: { nodes: { id: string }[] } };
      station: { latest: { cell: string } };
    }>(
      site.gateway,
      `query ($from: DateTime!) {
        bike: device(key: "panel-bike") { trips(measuredAt: { from: $from }) { nodes { id } } }
        station: device(key: "panel-station") { latest { cell(resolution: 9) } }
      }`,
      { from: new Date(now - 24 * HOUR).toISOString() },
    );
    trip = found.bike.trips.nodes[0]!.id;
    cell = found.station.latest.cell;
    browser = await launchBrowser(site.url);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await site?.remove();
  });

  afterEach(() => explorer.close());

  test("a station shows its series with gap and flag, index, statistics, profiles and calendar", async () => {
    const page = await open("?open=device:panel-station&last=72");
    const series = panel(page, "PM2.5 over time");
    await series.locator("canvas").waitFor();
    await expect.poll(() => series.innerText()).toMatch(/(?:one gap without data, of|gaps without data, the longest of) (?:9|10)\sh/);
    const text = (await series.innerText()).replaceAll("\u202f", " ");
    expect(text).toContain("1 flag of doubtful values.");
    expect(text).toContain("1 value out of range left out");
    expect(text).toContain("doubtful values (flagged)");
    expect(text).toMatch(/8\d % of the hours have data/);
    expect(text).toContain("Uncorrected.");

    expect(await panel(page, "Latest value").innerText()).toMatch(/8\.0\s?µg\/m³[\s\S]*not averaged/);
    expect(await panel(page, "Air-quality index").innerText()).toMatch(/European index: \w+/);
    expect(await panel(page, "Statistics").innerText()).toMatch(/Values \(n\)\s+3[67]\d[\s\S]*90th percentile/);
    await panel(page, "Profile of the day").locator("canvas").waitFor();
    await panel(page, "Profile of the week").locator("canvas").waitFor();
    await panel(page, "Calendar of daily means").locator("button.day").first().waitFor();
    expect(await page.getByText("Licence: CC-BY-4.0").count()).toBe(1);
    expect(explorer.requests.filter((name) => name.startsWith("Device"))).toEqual(["DevicePanel", "DeviceDetails"]);
    expect(await explorer.violations()).toEqual([]);
    await explorer.screenshot("panels-desktop");
  });

  test("the flags and other quantities are counted on demand", async () => {
    const page = await open("?open=device:panel-station&last=72");
    await page.getByRole("button", { name: "Show weather, gases and quality flags" }).click();
    await expect
      .poll(() => panel(page, "Weather, gases and quality flags").innerText())
      .toMatch(/Out of range[\s\S]*1[\s\S]*the value is left out/);
  });

  test("the arrow keys read a chart, and the map marks the place", async () => {
    const page = await open("?open=device:panel-station&last=72");
    const chart = panel(page, "PM2.5 over time").getByRole("slider");
    await chart.focus();
    await page.keyboard.press("End");
    await expect.poll(() => chart.getAttribute("aria-valuetext")).toMatch(/: \d+\.\d\s?µg\/m³.*, \d values?$/);
    const last = await chart.getAttribute("aria-valuenow");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => chart.getAttribute("aria-valuenow")).toBe(String(Number(last) - 1));
    await page.keyboard.press("Escape");
    await panel(page, "PM2.5 over time").getByText("Point at the chart").waitFor();
    await page.keyboard.press("Home");
    await expect.poll(() => chart.getAttribute("aria-valuenow")).toBe("0");
    await page.keyboard.press("Enter");
    await expect.poll(() => new URL(page.url()).searchParams.get("time")).toMatch(/T\d\d:\d\dZ$/);
  });

  test("the cursor of a chart stays when the map moves", async () => {
    const page = await open("?open=device:panel-station&last=72");
    const chart = panel(page, "PM2.5 over time").getByRole("slider");
    await chart.focus();
    await page.keyboard.press("Home");
    await expect.poll(() => chart.getAttribute("aria-valuenow")).toBe("0");
    await explorer.drawn();
    await page.getByRole("region", { name: "Map", exact: true }).focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => new URL(page.url()).searchParams.has("map")).toBe(true);
    expect(await chart.getAttribute("aria-valuenow")).toBe("0");
  });

  test("dragging over a chart sets the time range", async () => {
    const page = await open("?open=device:panel-station&last=72");
    const plot = panel(page, "PM2.5 over time").locator(".u-over");
    const { x, y, width } = (await plot.boundingBox())!;
    await page.mouse.move(x + width * 0.6, y + 40);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.8, y + 40, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => new URL(page.url()).searchParams.has("from")).toBe(true);
  });

  test("the data of a chart is a table, a file and a link to the export", async () => {
    const page = await open("?open=device:panel-station&last=72");
    await panel(page, "PM2.5 over time").waitFor();
    await allLoaded(page);
    const series = panel(page, "PM2.5 over time");
    await series.getByRole("button", { name: "Table: PM2.5 over time" }).click();
    const rows = await series.getByRole("row").count();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      series.getByRole("button", { name: "CSV file: PM2.5 over time" }).click(),
    ]);
    const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\r\n");
    expect(lines[0]).toContain("PM2.5 mean (µg/m³)");
    expect(lines).toHaveLength(rows);
    expect(download.suggestedFilename()).toMatch(/^market-square-pm2\.5-\d{4}-\d\d-\d\d\.csv$/);
    const link = await series.getByRole("link", { name: /as CSV/ }).getAttribute("href");
    expect(link).toMatch(/^export\/measurements\.csv\?device=panel-station&from=\d{4}.*&to=\d{4}/);
  });

  test("the request behind a panel and the documentation open in dialogs", async () => {
    const page = await open("?open=device:panel-station&last=72");
    await panel(page, "PM2.5 over time").waitFor();
    await allLoaded(page);
    await page.getByRole("button", { name: "Show query: PM2.5 over time" }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.innerText()).toMatch(/query DevicePanel[\s\S]*"panel-station"/);
    await page.keyboard.press("Escape");
    await panel(page, "Statistics").getByRole("button", { name: "Learn more: statistics" }).click();
    await page.getByRole("dialog", { name: "What the numbers mean" }).getByText("share of the hours of the bucket").waitFor();
    expect(await explorer.violations()).toEqual([]);
  });

  test("a day of the calendar is chosen by keyboard and becomes the time range", async () => {
    const page = await open("?open=device:panel-station&last=72");
    const days = panel(page, "Calendar of daily means").locator("button.day");
    await days.first().waitFor();
    await panel(page, "Calendar of daily means").locator('button.day[tabindex="0"]').first().focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Enter");
    await expect.poll(() => new URL(page.url()).searchParams.get("from")).not.toBeNull();
  });

  test("a trip shows exposure, and the pointer on its chart marks the sample", async () => {
    const page = await open(`?open=trip:${trip}`);
    await expect.poll(() => panel(page, "Exposure of the trip").innerText()).toMatch(/240 of 240/);
    const series = panel(page, "PM2.5 along the trip");
    await series.locator(".u-over").hover();
    await expect.poll(() => series.locator(".readout strong").count()).toBe(1);
    expect(await series.getByRole("link", { name: /as CSV/ }).getAttribute("href")).toContain("device=panel-bike");
    await page.getByRole("button", { name: "Show the device" }).click();
    await panel(page, "Trips").getByRole("button").filter({ hasText: ":" }).first().waitFor();
    expect(await explorer.violations()).toEqual([]);
  });

  test("a cell shows its devices", async () => {
    const page = await open(`?open=cell:${cell}&last=72`);
    await panel(page, "Devices in this cell").getByRole("button", { name: "Market Square" }).waitFor();
    await panel(page, "PM2.5 over time").locator("canvas").waitFor();
    expect(await explorer.violations()).toEqual([]);
  });

  test("several are compared in one request, by pointer and without one of them", async () => {
    const page = await open(`?open=device:panel-station&open=device:panel-other&open=cell:${cell}&last=72`, {
      colorScheme: "dark",
    });
    const chart = panel(page, "PM2.5 compared");
    await chart.locator("canvas").waitFor();
    expect(explorer.requests.filter((name) => name === "ComparePanel")).toHaveLength(1);
    await chart.locator(".u-over").hover();
    await expect.poll(() => chart.locator(".readout-label").innerText()).toMatch(/\d\d:\d\d/);
    expect(await panel(page, "Statistics compared").getByRole("row").count()).toBe(4);
    expect(await explorer.violations()).toEqual([]);
    await explorer.screenshot("panels-compare-dark");
    await page.getByRole("button", { name: "Remove Mill Road from the comparison" }).click();
    await expect.poll(() => panel(page, "Statistics compared").getByRole("row").count()).toBe(3);
  });

  test("an index of the map is drawn over time", async () => {
    const page = await open("?open=device:panel-station&last=72&show=UK_DAQI");
    const chart = panel(page, "Air-quality index").getByRole("slider");
    await chart.focus();
    await page.keyboard.press("End");
    await expect.poll(() => chart.getAttribute("aria-valuetext")).toMatch(/: [12], Low$/);
  });

  test("an unknown device and a range without data are states, not blanks", async () => {
    const page = await open("?open=device:no-such-device");
    await page.getByText("There is no such device").waitFor();
    await page.goto(`${site.url}/?open=device:panel-station&from=2020-01-01T00:00Z&to=2020-01-02T00:00Z`);
    await panel(page, "PM2.5 over time").getByText("No PM2.5 in this time range.").waitFor();
    await panel(page, "Statistics").getByText("No measurement in this time range.").waitFor();
  });

  test("a refused request shows the reason, and works when it is sent again", async () => {
    let refuse = true;
    const page = await open("?open=device:panel-station", {
      expectedErrors: /422/,
      prepare: async (page) => {
        await page.route("**/graphql", (route) =>
          refuse && route.request().postData()?.includes("DevicePanel")
            ? route.fulfill({
                status: 422,
                contentType: "application/graphql-response+json",
                body: JSON.stringify({ errors: [{ message: "span: too long", extensions: { code: "BAD_USER_INPUT" } }] }),
              })
            : route.continue(),
        );
      },
    });
    await page.getByText("span: too long").waitFor();
    refuse = false;
    await page.locator(".panels").getByRole("button", { name: "Try again" }).click();
    await panel(page, "PM2.5 over time").locator("canvas").waitFor();
  });

  test("while a request runs there is a skeleton, and leaving the subject cancels it", async () => {
    const page = await open("?open=device:panel-station", {
      prepare: async (page) => {
        await page.route("**/graphql", (route) =>
          // Never answered.
          route.request().postData()?.includes("query DevicePanel") ? undefined : route.continue(),
        );
      },
    });
    await page.getByRole("status", { name: "Loading: PM2.5 over time" }).waitFor();
    const cancelled = page.waitForEvent("requestfailed", (request) => request.postData()?.includes("DevicePanel") ?? false);
    await page.getByRole("button", { name: "Close the details" }).click();
    expect((await cancelled).failure()?.errorText).toBe("net::ERR_ABORTED");
  });

  test.each([
    ["device", () => "?open=device:panel-station"],
    ["cell", () => `?open=cell:${cell}`],
    ["trip", () => `?open=trip:${trip}`],
    ["comparison", () => "?open=device:panel-station&open=device:panel-other"],
  ])("every panel of a %s says that it is loading", async (_, query) => {
    const page = await open(query(), {
      prepare: async (page) => {
        await page.route("**/graphql", (route) =>
          // Never answered.
          /query (Device|Cell|Trip|Compare)/.test(route.request().postData() ?? "") ? undefined : route.continue(),
        );
      },
    });
    await page.getByText("Still loading…").first().waitFor();
    const texts = await page.locator(".panel:not(.panel-closed)").allInnerTexts();
    expect(texts.length).toBeGreaterThan(1);
    for (const text of texts) {
      expect(text).toContain("Loading: ");
      expect(text).toContain("Still loading…");
    }
  });

  test("panels whose files are missing offer to reload the page", async () => {
    let missing = true;
    const page = await open("?open=device:panel-station", {
      expectedErrors: /Failed to load resource|Failed to fetch dynamically imported module/,
      prepare: async (page) => {
        await page.route(/\/assets\/Panels-[^/]*\.js$/, (route) =>
          missing ? route.fulfill({ status: 404 }) : route.continue(),
        );
      },
    });
    await page.getByRole("heading", { name: "This part of the page failed" }).waitFor();
    missing = false;
    await page.getByRole("button", { name: "Reload" }).click();
    await panel(page, "PM2.5 over time").locator("canvas").waitFor();
  });

  test("everything fits on a screen of 320 pixels", async () => {
    const page = await open("?open=device:panel-station&last=72", PHONE);
    await panel(page, "Calendar of daily means").locator("button.day").first().waitFor();
    const widths = await page.locator(".panels").evaluate((element) => [element.scrollWidth, element.clientWidth]);
    expect(widths[0]).toBe(widths[1]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    expect(await explorer.violations()).toEqual([]);
    await explorer.screenshot("panels-phone");
  });
});
