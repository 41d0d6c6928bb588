// States of the explorer without a result: no data, no permission, no gateway.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ExplorerPage, graphql, hasProgram, type Site, startSite } from "./explorerPage";
import { launchBrowser } from "./guardedPage";

/** Chromium logs responses with these status codes, and lost connections. */
const NETWORK_ERRORS = /Failed to load resource|WebSocket connection|net::ERR/;
const LATITUDE = 52.2;
const LONGITUDE = 0.12;
const HERE = `?map=${LATITUDE},${LONGITUDE},13`;

let site: Site;
let browser: Browser;
let explorer: ExplorerPage;

async function open(query: string, prepare?: (page: Page) => Promise<void>) {
  explorer = await ExplorerPage.open(browser, site, query, {
    expectedErrors: NETWORK_ERRORS,
    ...(prepare && { prepare }),
  });
  return explorer.page;
}

/** Headers of a failing response, and extensions of its error beside the code. */
interface Extra {
  headers?: object;
  argument?: string;
  suggestedValue?: number;
}

/** Answers the first `count` requests of the map with an error; the gateway answers the others. */
function failing(count: number, status: number, code: string, extra: Extra = {}) {
  return async (page: Page) => {
    let left = count;
    await page.route("**/graphql", (route) => {
      if (!route.request().postData()?.includes("query Map") || left === 0) {
        return route.fallback();
      }
      left -= 1;
      const { headers, ...extensions } = extra;
      return route.fulfill({
        status,
        headers: { "content-type": "application/graphql-response+json", ...headers },
        body: JSON.stringify({ errors: [{ message: "refused", extensions: { code, ...extensions } }] }),
      });
    });
  };
}

describe.skipIf(!hasProgram)("the explorer without a result", () => {
  beforeAll(async () => {
    site = await startSite();
    browser = await launchBrowser(site.url);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await site?.remove();
  });

  afterEach(() => explorer.close());

  // The first test: the others have its data.
  test("an empty database shows how to send a sample, which appears without a reload", async () => {
    const page = await open("");
    await page.getByRole("heading", { name: "No measurements yet" }).waitFor();
    expect(await page.getByLabel("Command for a first sample").innerText()).toContain("/ingest/json");
    expect(await explorer.violations()).toEqual([]);
    await page.locator('.live[data-state="live"]').waitFor();
    await explorer.record("first", 12.3, LATITUDE, LONGITUDE);
    await explorer.announced(/1 device$/);
    await expect.poll(() => page.getByRole("heading", { name: "No measurements yet" }).count()).toBe(0);
  });

  test("an area without values offers the newest data and all devices", async () => {
    const page = await open("?map=10,-30,8");
    await page.getByRole("heading", { name: "No values here" }).waitFor();
    expect(await explorer.violations()).toEqual([]);
    await page.getByRole("button", { name: "All devices" }).click();
    await explorer.announced(/1 device$/);
  });

  test("a slow answer keeps the page usable and says that it is loading", async () => {
    let answer: (() => void) | undefined;
    const page = await open(`${HERE}&live=off`, async (page) => {
      await page.route("**/graphql", async (route) => {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        await route.fallback();
      });
    });
    await page.getByRole("status", { name: "Loading the map" }).waitFor();
    await page.getByText("Still loading…").waitFor();
    expect(await page.locator(".legend-sentence").count(), "nothing is said of the values yet").toBe(0);
    await page.getByRole("button", { name: "last 7 days" }).isEnabled();
    answer?.();
    await explorer.announced(/1 device$/);
    expect(await page.getByText("Still loading…").count()).toBe(0);
  });

  test("a busy gateway is shown with the wait, and the request is repeated after it", async () => {
    const page = await open(HERE, failing(1, 429, "RATE_LIMITED", { headers: { "retry-after": "2" } }));
    await page.getByText("The gateway is busy.").waitFor();
    await page.getByText(/Trying again in [12] s/).waitFor();
    await explorer.announced(/1 device$/);
    expect(await page.getByText("The gateway is busy.").count()).toBe(0);
  });

  test("too many cells are shown with the resolution that fits", async () => {
    const page = await open(HERE, failing(1, 400, "BAD_USER_INPUT", { argument: "resolution", suggestedValue: 7 }));
    await explorer.announced(/1 cell,/);
    await page.getByText("Larger cells: there are too many small ones.").waitFor();
    expect(explorer.requests).toEqual(["Map", "Map"]);
  });

  test.each([
    [504, "TIMEOUT", "The answer takes too long"],
    [500, "INTERNAL", "The gateway failed"],
    [422, "GRAPHQL_VALIDATION_FAILED", "The gateway refused the request"],
  ])("a response with status %d explains itself and can be repeated", async (status, code, title) => {
    const page = await open(HERE, failing(1, status, code));
    await page.getByRole("heading", { name: title }).waitFor();
    expect(await explorer.violations()).toEqual([]);
    await page.getByRole("button", { name: "Try again" }).click();
    await explorer.announced(/1 device$/);
  });

  test("a revoked key is explained and can be removed", async () => {
    const { createApiKey } = await graphql<{ createApiKey: { key: string; apiKey: { id: string } } }>(
      site.gateway,
      `mutation { createApiKey(input: { name: "reader", role: READER }) { key apiKey { id } } }`,
    );
    const page = await open(HERE);
    await explorer.announced(/1 device$/);
    await page.getByRole("button", { name: "API key", exact: true }).click();
    await page.getByLabel("API key with permission to read").fill(createApiKey.key);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "API key: set" }).waitFor();
    await page.locator('.live[data-state="live"]').waitFor();

    await graphql(site.gateway, "mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { status } }", {
      id: createApiKey.apiKey.id,
    });
    await page.getByRole("button", { name: "last 7 days" }).click();
    await page.getByRole("heading", { name: "The API key is not accepted" }).waitFor();
    expect(await explorer.violations()).toEqual([]);
    await page.getByRole("button", { name: "Remove the key" }).click();
    await expect.poll(() => page.getByRole("heading", { name: "The API key is not accepted" }).count()).toBe(0);
    await page.getByRole("button", { name: "API key", exact: true }).waitFor();
  });

  test("a restart of the gateway is survived, and samples arrive again", async () => {
    const page = await open(`${HERE}&tab=table`);
    await page.locator('.live[data-state="live"]').waitFor();
    await site.gateway.stop();
    await page.locator('.live[data-state="reconnecting"]').waitFor();
    await page.getByRole("button", { name: "last hour" }).click();
    await page.getByText("The gateway cannot be reached.").waitFor();
    expect(await explorer.violations()).toEqual([]);

    await site.gateway.start();
    await page.getByRole("button", { name: "Try now" }).click();
    await expect.poll(() => page.getByText("The gateway cannot be reached.").count()).toBe(0);
    await page.locator('.live[data-state="live"]').waitFor({ timeout: 30_000 });
    await explorer.record("after-restart", 21, LATITUDE, LONGITUDE);
    await page.getByRole("row", { name: /after-restart.*21\.0/ }).waitFor();
  });
});
