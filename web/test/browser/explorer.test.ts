// What can be done in the explorer, on the data of `airgraph demo`.
import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ExplorerPage, graphql, hasProgram, type Site, startSite } from "./explorerPage";
import { launchBrowser } from "./guardedPage";

/** Largest first load, compressed, without the ground that is loaded later. */
const MAX_FIRST_LOAD = 650_000;
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

let site: Site;
let browser: Browser;
let explorer: ExplorerPage;

interface Cell {
  index: string;
  center: { latitude: number; longitude: number };
  quantity: { count: number };
}
/** The cell with the most values that has no device in it. */
let cell: Cell;

async function open(...[query, options]: [query?: string, options?: Parameters<typeof ExplorerPage.open>[3]]) {
  explorer = await ExplorerPage.open(browser, site, query, options);
  return explorer.page;
}

describe.skipIf(!hasProgram)("the explorer", () => {
  beforeAll(async () => {
    site = await startSite();
    await site.gateway.demo("--days", "2");
    browser = await launchBrowser(site.url);
    const { cells, devices } = await graphql<{
      cells: Cell[];
      devices: { nodes: { latest: { cell: string } | null }[] };
    }>(
      site.gateway,
      `query ($from: DateTime!) {
        cells(resolution: 9, filter: { measuredAt: { from: $from } }) {
          index center { latitude longitude } quantity(of: PM2_5) { count }
        }
        devices { nodes { latest { cell(resolution: 9) } } }
      }`,
      { from: new Date(Date.now() - 86_400_000).toISOString() },
    );
    const occupied = new Set(devices.nodes.map(({ latest }) => latest?.cell));
    const free = cells.filter(({ index }) => !occupied.has(index));
    cell = free.sort((one, other) => other.quantity.count - one.quantity.count)[0]!;
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await site?.remove();
  });

  afterEach(() => explorer.close());

  /** The address of the map with a cell in the middle. */
  const atCell = () => `?map=${cell.center.latitude},${cell.center.longitude},12.6&trips=off`;

  test("shows cells, devices and trips of the last day around the devices", async () => {
    const sizes: Promise<[string, number]>[] = [];
    const page = await open("", {
      prepare: async (page) => {
        page.on("response", (response) => {
          if (response.request().method() === "GET" && response.status() === 200) {
            sizes.push(response.body().then((body) => [response.url(), gzipSync(body).length]));
          }
        });
      },
    });
    await explorer.announced(/^\d+ cells, PM2\.5 [\d.]+\s?µg\/m³ to [\d.]+\s?µg\/m³, \d+ devices, \d+ trips$/);
    await explorer.drawn();
    expect(await page.locator(".legend-sentence").innerText()).toMatch(
      /^PM2\.5, mean of the last 24 hours, \d+ cells, [\d\s]+ values, \d+ devices, \d+\s%\scoverage, not corrected\.$/,
    );
    expect(await explorer.violations()).toEqual([]);

    const loaded = (await Promise.all(sizes)).filter(([url]) => !/countries-/.test(url));
    const total = loaded.reduce((sum, [, size]) => sum + size, 0);
    expect(loaded.length).toBeGreaterThan(4);
    expect(total, loaded.map(([url, size]) => `${size} ${url}`).join("\n")).toBeLessThan(MAX_FIRST_LOAD);
    await explorer.screenshot("explorer-desktop");
  });

  test("a click on a cell opens its details, and back closes them", async () => {
    const page = await open(atCell());
    await explorer.drawn();
    const { x, y } = await explorer.middle();
    const [red, green, blue] = await explorer.colourAt(x, y);
    expect(Math.max(red!, green!, blue!) - Math.min(red!, green!, blue!), "colour of the cell").toBeGreaterThan(30);

    await page.mouse.click(x, y);
    await page.getByRole("complementary", { name: "Details" }).waitFor();
    expect(new URL(page.url()).searchParams.get("open")).toBe(`cell:${cell.index}`);
    await page.goBack();
    await expect.poll(() => page.getByRole("complementary").count()).toBe(0);
  });

  test("the map moves to the position of the browser", async () => {
    const { latitude, longitude } = cell.center;
    const page = await open("", { geolocation: { latitude, longitude, accuracy: 10 }, permissions: ["geolocation"] });
    await explorer.drawn();
    await page.getByRole("button", { name: "Find my location" }).click();
    const distances = () => {
      const shown = (new URL(page.url()).searchParams.get("map") ?? "").split(",").map(Number);
      return [latitude, longitude, 14].map((wanted, index) => Math.abs(wanted - (shown[index] ?? 0)));
    };
    await expect.poll(() => Math.max(...distances())).toBeLessThan(0.001);
    await explorer.announced(/cells/);
    expect(await explorer.violations()).toEqual([]);
  });

  test("each change of quantity, index and range is one request", async () => {
    const page = await open(`${atCell()}&live=off`);
    await explorer.announced(/PM2\.5/);
    expect(explorer.requests).toEqual(["Map"]);

    await page.getByLabel("Colour the map by").selectOption("PM10");
    await explorer.announced(/cells, PM10/);
    await page.getByLabel("Colour the map by").selectOption("EUROPEAN_AQI");
    await explorer.announced(/European index \d to \d/);
    await page.getByText("Extremely poor").waitFor();
    await page.getByRole("button", { name: "last 7 days" }).click();
    await expect.poll(() => explorer.requests).toEqual(["Map", "Map", "Map", "Map"]);
    const { searchParams } = new URL(page.url());
    expect([searchParams.get("show"), searchParams.get("last")]).toEqual(["EUROPEAN_AQI", "168"]);
  });

  test("the legend filters by class and its bounds move by keyboard, drag and number", async () => {
    const page = await open(atCell());
    await explorer.announced(/PM2\.5/);
    const all = await explorer.announced(/cells/);
    await page.getByRole("button", { name: "Only 7.5–10" }).click();
    await expect.poll(() => page.locator(".legend-sentence").innerText()).not.toContain(all.split(",")[0]!);
    expect(new URL(page.url()).searchParams.get("classes")).toBe("3");
    await page.getByRole("button", { name: "Reset" }).click();

    const bound = page.getByRole("slider", { name: "Bound 7 of 7" });
    await bound.press("ArrowLeft");
    expect(Number(await bound.getAttribute("aria-valuenow"))).toBeLessThan(50);
    const box = (await bound.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 6);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 - 20, box.y + 6, { steps: 4 });
    await page.mouse.up();
    expect(Number(await bound.getAttribute("aria-valuenow"))).toBeLessThan(45);

    await page.getByRole("button", { name: "Edit classes" }).click();
    await page.getByLabel("Bounds between the classes, in µg/m³").fill("3, 9, 27");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Only 27 and more" }).waitFor();
    expect(new URL(page.url()).searchParams.get("steps")).toBe("3,9,27");
  });

  test("plays through the range step by step", async () => {
    const page = await open(`${atCell()}&last=6`);
    await explorer.announced(/PM2\.5/);
    const label = page.locator(".slider-label");
    expect(await label.innerText()).toBe("The last 6 hours");
    await page.getByRole("button", { name: "Play through the range" }).click();
    const seen = new Set<string>();
    await expect
      .poll(async () => seen.add(await label.innerText()).size, { interval: 100 })
      .toBeGreaterThan(3);
    await page.getByRole("button", { name: "Pause" }).click();
    expect(new URL(page.url()).searchParams.get("time")).toMatch(/Z$/);
    await page.getByRole("button", { name: "Whole range" }).click();
    await expect.poll(() => label.innerText()).toBe("The last 6 hours");
  });

  test("a copied link opens the same view", async () => {
    const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    const page = await open(`?show=PM10&from=${day}T06:00Z&to=${day}T18:00Z`);
    const first = await explorer.announced(/cells, PM10/);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy link" }).click();
    await page.getByRole("button", { name: "Link copied" }).waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toMatch(/\?map=[\d.,-]+&show=PM10&from=.*&to=.*$/);
    await page.goto(link);
    expect(await explorer.announced(/cells, PM10/)).toBe(first);
  });

  test("the query is shown, and runs as a curl command", async () => {
    const page = await open(atCell());
    await explorer.announced(/cells/);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Show query of the map" }).click();
    const link = await page.getByRole("link", { name: "Open in the playground" }).getAttribute("href");
    expect(link).toMatch(/\/playground#./);
    await page.getByRole("button", { name: "Copy as curl" }).click();
    await page.getByText("curl command copied").waitFor();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    const body = /-d '(.*)'$/s.exec(command)![1]!;
    const response = await fetch(/curl '(.*?)'/.exec(command)![1]!, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const { data } = (await response.json()) as { data: { cells: unknown[] } };
    expect(data.cells.length).toBeGreaterThan(0);
    expect(await explorer.violations()).toEqual([]);
  });

  test("everything is reachable by keyboard", async () => {
    const page = await open(atCell());
    await explorer.announced(/cells/);
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement;
        return element?.getAttribute("aria-label") ?? element?.textContent?.trim() ?? "";
      });
    const tabTo = async (name: RegExp) => {
      for (let count = 0; count < 60; count++) {
        await page.keyboard.press("Tab");
        if (name.test(await focused())) {
          return;
        }
      }
      throw new Error(`${name} is not reachable by Tab`);
    };

    await tabTo(/^Colour the map by$/);
    await page.keyboard.press("ArrowDown");
    await explorer.announced(/cells, PM10/);
    await tabTo(/^Table$/);
    await page.keyboard.press("Enter");
    await tabTo(/, (?:fixed station|mobile device)$/);
    const row = await focused();
    await page.keyboard.press("Enter");
    await page.getByRole("complementary").waitFor();
    await expect.poll(focused).toBe("Details");
    await page.keyboard.press("Escape");
    await expect.poll(focused).toBe(row);

    await tabTo(/^Map$/);
    const before = page.url();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.url()).not.toBe(before);
    await tabTo(/^Time step$/);
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => new URL(page.url()).searchParams.has("time")).toBe(true);
  });

  test("the table has the items of the map, with the same actions", async () => {
    const page = await open(`${atCell().replace("&trips=off", "")}&tab=table`);
    const announced = await explorer.announced(/cells/);
    const [cells, , devices] = announced.split(", ");
    await page.getByRole("button", { name: devices! }).waitFor();
    await page.getByRole("button", { name: cells! }).click();
    expect(await page.locator("table.data tbody tr").count()).toBe(
      Math.min(Number.parseInt(cells!, 10), 100),
    );
    await page.getByRole("button", { name: devices! }).click();
    await page.getByRole("button", { name: /^Name/ }).click();
    await page.getByRole("checkbox", { name: "Compare Simulated bicycle 1" }).check();
    await page.getByRole("checkbox", { name: "Compare Simulated bicycle 2" }).check();
    await page.getByRole("complementary", { name: "Comparison of 2 items" }).waitFor();
    expect(await explorer.violations()).toEqual([]);
    await page.getByRole("button", { name: "Show Simulated bicycle 2 on the map" }).click();
    await expect.poll(() => Number(new URL(page.url()).searchParams.get("map")?.split(",")[2])).toBeGreaterThanOrEqual(14);
    await explorer.screenshot("explorer-compare");
  });

  test("a new sample appears while the page is open", async () => {
    const page = await open(`${atCell()}&tab=table`);
    await page.locator('.live[data-state="live"]').waitFor();
    await explorer.record("fresh-sensor", 66.6, cell.center.latitude, cell.center.longitude);
    await page.getByRole("row", { name: /fresh-sensor.*66\.6.*just now/ }).waitFor();
  });

  test("the item under the pointer is described", async () => {
    const page = await open(atCell().replace("&trips=off", ""));
    await explorer.announced(/trips/);
    await explorer.drawn();
    const { x, y } = await explorer.middle();
    await page.mouse.move(x, y);
    await page.mouse.move(x + 1, y);
    await page.locator(".tooltip").waitFor();
  });

  test("works on a phone and in the dark", async () => {
    const page = await open("", { ...PHONE, colorScheme: "dark" });
    await explorer.announced(/cells/);
    await explorer.drawn();
    expect(await explorer.violations()).toEqual([]);
    const small = await page.locator("button:visible, select:visible").evaluateAll((buttons) =>
      buttons
        .filter((button) => !button.closest(".class-list"))
        .map((button) => button.getBoundingClientRect())
        .filter(({ width, height }) => Math.min(width, height) < 44).length,
    );
    expect(small, "targets under 44 pixels").toBe(0);
    await explorer.screenshot("explorer-phone");
    await page.getByRole("button", { name: "Table" }).click();
    await page.getByRole("button", { name: /^Simulated station 1/ }).click();
    await page.getByRole("complementary", { name: "Details" }).waitFor();
    await page.getByRole("button", { name: "Close the details" }).click();
  });

  test("is dark where dark is preferred", async () => {
    const page = await open("", { colorScheme: "dark" });
    await explorer.announced(/cells/);
    await page.getByRole("button", { name: "Table" }).click();
    await explorer.drawn();
    expect(await explorer.violations()).toEqual([]);
    await explorer.screenshot("explorer-dark");
  });

  test.each([
    [320, 640],
    [320, 200], // 1280 × 800 at 400 %
  ])("fits into %d × %d pixels without horizontal scrolling", async (width, height) => {
    const page = await open("", { viewport: { width, height } });
    await explorer.announced(/cells/);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await page.getByRole("button", { name: "last 7 days" }).click();
    await page.getByRole("button", { name: "Menu" }).click();
    await page.getByRole("button", { name: "Copy link" }).waitFor();
  });

  test("an embedded map has no header and links to the whole page", async () => {
    const page = await open(`${atCell()}&embed`);
    await explorer.announced(/cells/);
    expect(await page.getByRole("banner").count()).toBe(0);
    expect(await page.getByRole("link", { name: "Open in airgraph" }).getAttribute("href")).not.toContain("embed");
  });
});
