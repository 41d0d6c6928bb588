// The admin page in Chromium, on a real server: AIRGRAPH_URL and its admin key AIRGRAPH_KEY.
//
//   AIRGRAPH_SCREENSHOTS  a folder for pictures of the pages
import type { Browser, BrowserContextOptions, Page, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { seriousViolations } from "./accessibility";
import { type GuardedPage, launchBrowser, openGuardedPage } from "./guardedPage";
import { admin, adminKey, hasRealServer, post, realServer, recordExampleData } from "./realServer";

const url = realServer ?? "http://127.0.0.1:1";

/** Longest wait for an element or a request, in milliseconds. */
const MAX_WAIT = 20_000;

let browser: Browser;
let guarded: GuardedPage;
let page: Page;

beforeAll(async () => {
  if (hasRealServer) {
    await recordExampleData();
    browser = await launchBrowser(url);
  }
});

afterAll(() => browser?.close());
afterEach(() => guarded?.close());

/** Opens the page signed out. */
async function open(fragment = "", options: BrowserContextOptions = {}) {
  guarded = await openGuardedPage(browser, url, options);
  page = guarded.page;
  page.setDefaultTimeout(MAX_WAIT);
  await page.goto(`${url}/admin${fragment}`);
}

/** Opens the page signed in, by the form. */
async function signIn(fragment = "", key = adminKey, options: BrowserContextOptions = {}) {
  await open(fragment, options);
  await page.getByLabel("Admin key").fill(key);
  await page.keyboard.press("Enter");
}

/** Width of the pictures in the documentation. */
const PICTURE_WIDTH = 1000;

/** Stores the upper part of the page as a picture for the documentation. */
async function picture(name: string, height: number) {
  const folder = process.env["AIRGRAPH_SCREENSHOTS"];
  const size = page.viewportSize();
  if (folder && size) {
    await page.setViewportSize({ width: PICTURE_WIDTH, height });
    await page.screenshot({ path: `${folder}/admin-${name}.png` });
    await page.setViewportSize(size);
  }
}

const heading = (name: string | RegExp) => page.getByRole("heading", { level: 1, name });
const unique = (name: string) => `${name}-${Math.random().toString(36).slice(2, 8)}`;

async function createKey(input: Record<string, unknown>): Promise<string> {
  const created = await admin<{ createApiKey: { key: string } }>(
    "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { key } }",
    { input },
  );
  return created.createApiKey.key;
}

describe.skipIf(!hasRealServer)("the admin page", () => {
  test("registers a device, makes a key, records with it, imports a file, revokes the key", async () => {
    const device = unique("station");
    await signIn();
    await page.getByRole("link", { name: "example-station" }).waitFor();
    await picture("devices", 400);

    await page.getByRole("link", { name: "Register a device" }).click();
    await heading("Register a device").waitFor();
    await page.getByLabel("Key", { exact: true }).fill(device);
    await page.getByLabel("Name", { exact: true }).fill("Roof of the library");
    await page.getByLabel("Latitude").fill("52.2053");
    await page.getByLabel("Longitude").fill("0.1218");
    await page.getByRole("button", { name: "Register" }).click();
    await heading(device).waitFor();

    await page.getByRole("link", { name: "Create a key for it" }).click();
    await heading("Create a key").waitFor();
    expect(await page.getByLabel("Device").inputValue()).toBe(device);
    await page.getByRole("button", { name: "Create the key" }).click();
    await heading(`Key ${device}`).waitFor();
    await page.getByRole("img", { name: "QR code of the key" }).waitFor();
    const secret = await page.getByTestId("secret").innerText();
    await page.getByLabel("Firmware or network server").selectOption("airrohr");
    await page.locator(".setting-fields dd", { hasText: secret }).waitFor();
    await picture("key", 1030);

    await page.getByRole("link", { name: device, exact: true }).click();
    await heading(device).waitFor();
    await page.getByLabel("Facts").getByText("none yet").waitFor();
    expect((await post("/ingest/json", JSON.stringify({ device, pm10: 12.4, pm2_5: 6.8 }), secret)).status).toBe(201);
    expect((await post("/ingest/json", JSON.stringify({ device: "another", pm10: 1 }), secret)).status).toBe(403);
    await page.getByLabel("Facts").getByText("just now").waitFor(); // without a reload
    expect(await page.getByRole("link", { name: "Show on the map" }).getAttribute("href")).toBe(
      `./?map=52.2053,0.1218,14&open=device:${device}`,
    );

    await page.getByRole("link", { name: "Import", exact: true }).click();
    await heading("Import a file").waitFor();
    await page.getByLabel("File").setInputFiles({
      name: "card.csv",
      mimeType: "text/csv",
      buffer: Buffer.from("time,pm10\n2026-05-01T10:00:00Z,7.5\n2026-05-01T10:01:00Z,8.5\nyesterday,1\n"),
    });
    await page.getByLabel("Device").fill(device);
    await page.getByRole("button", { name: "Dry run" }).click();
    await page.getByText("Would be stored").waitFor();
    await page.getByRole("table").getByText(/yesterday/).waitFor();
    await picture("import", 860);
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await page.getByRole("heading", { name: "Imported" }).waitFor();
    const stored = await admin<{ device: { measurements: { totalCount: number } } }>(
      "query ($key: String!) { device(key: $key) { measurements { totalCount } } }",
      { key: device },
    );
    expect(stored.device.measurements.totalCount).toBe(3);

    await page.getByRole("link", { name: "Keys", exact: true }).click();
    await page.getByLabel("Search keys").fill(device);
    await page.getByRole("button", { name: `Revoke ${device}` }).click();
    await page.getByRole("button", { name: "Revoke the key" }).click();
    await page.getByText("No key found").waitFor();
    expect((await post("/ingest/json", JSON.stringify({ device, pm10: 1 }), secret)).status).toBe(401);

    await page.getByLabel("Also expired and revoked").check();
    await page.getByRole("row", { name: new RegExp(`${device}.*revoked`) }).waitFor();
  });

  test("changes a device and deletes it after a dry run", async () => {
    const device = unique("old");
    await post("/ingest/json", JSON.stringify([{ device, pm10: 1 }, { device, pm10: 2, time: 1777629600 }]));
    await signIn(`#devices/${device}`);
    await page.getByLabel("Name", { exact: true }).fill("Old box");
    await page.getByRole("button", { name: "Add a sensor" }).click();
    await page.keyboard.type("5a86d1a2");
    await page.getByLabel("Quantity 1").selectOption("PM10");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    expect(
      await admin("query ($key: String!) { device(key: $key) { name sensors { sensor quantity } } }", { key: device }),
    ).toEqual({ device: { name: "Old box", sensors: [{ sensor: "5a86d1a2", quantity: "PM10" }] } });

    await page.getByRole("button", { name: /^Count what would be deleted/ }).click();
    await page.getByRole("dialog").getByText("2 measurements").waitFor();
    const remove = page.getByRole("button", { name: "Delete the device" });
    expect(await remove.isDisabled()).toBe(true);
    await page.getByLabel(`Type ${device} to confirm`).fill(device);
    await remove.click();
    await heading("Devices").waitFor();
    expect(await admin("query ($key: String!) { device(key: $key) { key } }", { key: device })).toEqual({ device: null });
  });

  test("finds devices by text, page by page", async () => {
    const prefix = unique("page");
    const samples = Array.from({ length: 30 }, (_, index) => ({
      device: `${prefix}-${String(index).padStart(2, "0")}`,
      pm10: index,
    }));
    await post("/ingest/json", JSON.stringify(samples));
    await signIn();
    await page.getByLabel("Search devices").fill(prefix);
    await page.getByText("1–25 of 30 devices").waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("26–30 of 30 devices").waitFor();
    await page.getByRole("link", { name: `${prefix}-29` }).waitFor();
    await page.getByRole("button", { name: "Previous" }).click();
    await page.getByRole("link", { name: `${prefix}-00` }).waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByLabel("Order").selectOption("Newest device first");
    await page.getByText("1–25 of 30 devices").waitFor(); // again from the first page
  });

  test("shows an undecodable uplink and decodes it again", async () => {
    const device = unique("box");
    // A senseBox whose sensor is not registered yet.
    const body = JSON.stringify([{ sensor: "5a86d1a2b3c4d5e6f7a80001", value: "12.4" }]);
    expect((await post(`/ingest/opensensemap/${device}`, body)).status).toBe(400);
    await signIn("#uplinks?outcome=UNDECODABLE");
    await page.getByRole("row", { name: new RegExp(device) }).getByRole("link").first().click();
    await heading("Uplink").waitFor();
    await page.getByLabel("Content of the body").getByText("5a86d1a2b3c4d5e6f7a80001").waitFor();

    await admin("mutation ($input: RegisterDeviceInput!) { registerDevice(input: $input) { status } }", {
      input: { key: device, kind: "FIXED", sensors: [{ sensor: "5a86d1a2b3c4d5e6f7a80001", quantity: "PM10" }] },
    });
    await page.getByRole("button", { name: "Dry run" }).click();
    await page.getByText("1 uplink decoded, nothing stored: 1 valid sample.").waitFor();
    await page.getByRole("button", { name: "Replay and store" }).click();
    await page.getByText("1 stored").first().waitFor();
    await page.locator(".tag", { hasText: "recorded" }).waitFor();
    await page.getByRole("link", { name: "Uplinks", exact: true }).click();
    await page.getByRole("row", { name: new RegExp(device) }).waitFor();
    await picture("uplinks", 500);
  });

  test("the load is refreshed by itself", async () => {
    await signIn("#load");
    await page.getByRole("heading", { name: "Database connections" }).waitFor();
    await page.waitForResponse((response) => response.request().postData()?.includes("AdminLoad") ?? false);
    await page.getByText("recorder", { exact: true }).waitFor();
  });

  test.each([
    ["an unknown key", async () => "ag_unknown", /unknown, expired or revoked/],
    ["a reader's key", () => createKey({ name: "reader", role: "READER" }), /has no admin role/],
  ])("shows why it rejects %s", async (_, key, reason) => {
    await signIn("", await key());
    await page.getByRole("alert").getByText(reason).waitFor();
    await page.getByLabel("Admin key").fill(adminKey);
    await page.keyboard.press("Enter");
    await heading("Devices").waitFor();
  });

  test("the key stays in the tab", async () => {
    await signIn();
    await heading("Devices").waitFor();
    expect(page.url()).not.toContain(adminKey);
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(adminKey);
    await page.reload();
    await heading("Devices").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await heading("Sign in").waitFor();
    expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain(adminKey);
  });

  test("after a revocation the sign-in form is shown, and inputs are kept", async () => {
    const key = await createKey({ name: unique("short-lived"), role: "ADMIN" });
    await signIn("#devices?register", key);
    await page.getByLabel("Name", { exact: true }).fill("Half a form");
    await page.waitForLoadState("networkidle"); // a later request would notice the revocation by itself
    const { apiKeys } = await admin<{ apiKeys: { nodes: { id: string }[] } }>("{ apiKeys(first: 1) { nodes { id } } }");
    await admin("mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { status } }", { id: apiKeys.nodes[0]?.id });
    await page.getByLabel("Key", { exact: true }).fill(unique("device"));
    await page.getByRole("button", { name: "Register" }).click();
    await heading("Sign in again").waitFor();
    await page.getByLabel("Admin key").fill(adminKey);
    await page.keyboard.press("Enter");
    await heading("Register a device").waitFor();
    expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("Half a form");
  });

  test("a busy gateway is waited for", async () => {
    await signIn();
    await heading("Devices").waitFor();
    const refuse = (route: Route) =>
      route.fulfill({
        status: 429,
        headers: { "retry-after": "2" },
        json: { errors: [{ message: "slow down", extensions: { code: "RATE_LIMITED" } }] },
      });
    await page.route(`${url}/graphql`, refuse);
    await page.getByRole("link", { name: "Load", exact: true }).click();
    await page.getByText("The gateway is busy.").waitFor();
    await page.getByText(/^Trying again in \d s$/).waitFor();
    await page.unroute(`${url}/graphql`, refuse);
    await page.getByRole("heading", { name: "Database connections" }).waitFor();
    await page.getByText("The gateway is busy.").waitFor({ state: "detached" });
  });

  test("a gateway that is away is waited for", async () => {
    await signIn();
    await heading("Devices").waitFor();
    const abort = (route: Route) => route.abort();
    await page.route(`${url}/graphql`, abort);
    await page.getByRole("link", { name: "Uplinks", exact: true }).click();
    await page.getByText("The gateway cannot be reached.").waitFor();
    await page.unroute(`${url}/graphql`, abort);
    await page.getByText("The gateway cannot be reached.").waitFor({ state: "detached" });
    await page.getByRole("table").waitFor();
  });

  test("everything is reached by keyboard", async () => {
    await open();
    await page.locator("input:focus").waitFor();
    await page.keyboard.type(adminKey);
    await page.keyboard.press("Enter");
    await heading("Devices").waitFor();
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 40; presses++) {
        await page.keyboard.press("Tab");
        const focused = await page.evaluate(
          () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent,
        );
        if (focused === name) {
          return;
        }
      }
      throw new Error(`${name} is not reached by Tab`);
    };
    await tabTo("Keys");
    await page.keyboard.press("Enter");
    await heading("Keys").waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe("Keys");
    await tabTo("Create a key");
    await page.keyboard.press("Enter");
    await heading("Create a key").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.type(unique("keyboard"));
    await page.keyboard.press("Enter");
    await page.getByTestId("secret").waitFor();
  });

  const routes = ["", "#devices?register", "#devices/example-station", "#keys", "#keys?create", "#uplinks", "#import", "#load"];

  test.each<[string, BrowserContextOptions]>([
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["on a phone", { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true }],
  ])("axe finds nothing serious, and nothing is cut off: %s", async (name, options) => {
    await open("", options);
    expect(await seriousViolations(page)).toEqual([]);
    await page.getByRole("link", { name: "Map" }).click({ trial: true }); // nothing covers the bar
    await page.getByLabel("Admin key").fill(adminKey);
    await page.keyboard.press("Enter");
    for (const route of routes) {
      await page.goto(`${url}/admin${route}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.locator(".skeleton").first().waitFor({ state: "detached" });
      expect(await seriousViolations(page), route).toEqual([]);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width, `${route} scrolls sideways`).toBeLessThanOrEqual(options.viewport?.width ?? 1280);
      const folder = process.env["AIRGRAPH_SCREENSHOTS"];
      if (folder) {
        const file = `admin-${name.replaceAll(" ", "-")}-${route.replaceAll(/\W+/g, "-") || "devices"}.png`;
        await page.screenshot({ path: `${folder}/${file}`, fullPage: true });
      }
    }
  });
});
