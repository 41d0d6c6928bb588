// The explorer on a gateway in the hardened profile, with trusted documents of the operator beside those of the pages.
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringifyDocument } from "@urql/core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mapVariables } from "../../src/explorer/data/request";
import { DEFAULT_VIEW } from "../../src/explorer/view";
import { MapDocument } from "../../src/graphql/generated/explorer";
import { ExplorerPage, hasProgram, type Site, startSite } from "./explorerPage";
import { launchBrowser } from "./guardedPage";

/** Views that a visitor may look at within a minute. */
const VIEWS = 30;
const MINUTE = 60_000;

let site: Site;
let browser: Browser;
let folder: string;

/** Sends a request without a key, and returns the status code. */
async function send(body: object): Promise<number> {
  const response = await fetch(`${site.gateway.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify(body),
  });
  await response.body?.cancel();
  return response.status;
}

describe.skipIf(!hasProgram)("the explorer in the hardened profile", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "airgraph-hardened-"));
    await chmod(folder, 0o755); // the gateway reads it as another account
    const manifest = join(folder, "documents.json");
    await writeFile(manifest, JSON.stringify({ keys: "query Keys { devices { nodes { key } } }" }));
    site = await startSite({ AIRGRAPH_SECURITY_PROFILE: "hardened", AIRGRAPH_TRUSTED_DOCUMENTS: manifest });
    await site.gateway.demo("--days", "2");
    browser = await launchBrowser(site.url);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await site?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  test("only the documents of the operator and of the pages run", async () => {
    expect(await send({ documentId: "keys" })).toBe(200);
    expect(await send({ query: stringifyDocument(MapDocument), variables: mapVariables(DEFAULT_VIEW, somewhere(0), Date.now()) })).toBe(200);
    expect(await send({ query: "{ devices { nodes { name } } }" })).toBeGreaterThanOrEqual(400);
  });

  test("map, steps of time, panels and live samples work", async () => {
    const explorer = await ExplorerPage.open(browser, site, "?last=6&tab=table");
    const { page } = explorer;
    await explorer.announced(/cells, PM2\.5/);
    await page.locator('.live[data-state="live"]').waitFor();
    await page.getByRole("button", { name: "Play through the range" }).click();
    await expect.poll(() => new URL(page.url()).searchParams.has("time")).toBe(true);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: /^\d+ devices$/ }).click();
    await page.getByRole("button", { name: /^Simulated station 1/ }).click();
    await page.getByRole("region", { name: "Statistics", exact: true }).getByText("90th percentile").waitFor();
    await explorer.close();
  });

  test("many views a minute are within the limit of a caller", async () => {
    for (let view = 0; view < VIEWS; view++) {
      const variables = mapVariables(DEFAULT_VIEW, somewhere(view), Date.now() - view * MINUTE);
      expect(await send({ query: stringifyDocument(MapDocument), variables }), `view ${view + 1}`).toBe(200);
    }
  });
});

/** A part of the town, another one for each number. */
function somewhere(number: number) {
  const west = 0.05 + number * 0.001;
  return { area: { west, south: 52.17, east: west + 0.15, north: 52.25 }, zoom: 12, resolution: 9 };
}
