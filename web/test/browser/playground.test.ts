// The playground in Chromium, without access to other servers.
//
//   AIRGRAPH_URL         a running server (without it: dist/ and a stub endpoint)
//   AIRGRAPH_KEY         an API key that server knows (without it: a made-up one)
//   AIRGRAPH_SCREENSHOT  where to save a picture, for example /tmp/playground.png
//   AIRGRAPH_COLORS      "dark" for the dark theme
//   CHROMIUM             the browser, /usr/bin/chromium by default
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type StubServer, startStubServer } from "./stubServer";

const key = process.env["AIRGRAPH_KEY"] ?? "made-up-key";
const realServer = process.env["AIRGRAPH_URL"]?.replace(/\/$/, "");

let stub: StubServer | undefined;
let url: string;
let browser: Browser;
let context: BrowserContext;
let page: Page;

/** Requests to other origins, and violations of the page's policy: both must stay empty. */
let strays: string[];
let violations: string[];

beforeAll(async () => {
  stub = realServer === undefined ? await startStubServer() : undefined;
  url = realServer ?? stub?.url ?? "";
  browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // In case request interception misses a request: no other host name resolves.
      `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${new URL(url).hostname}`,
    ],
  });
});

afterAll(async () => {
  await browser?.close();
  await stub?.close();
});

beforeEach(async () => {
  strays = [];
  violations = [];
  context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: process.env["AIRGRAPH_COLORS"] === "dark" ? "dark" : "light",
    serviceWorkers: "block",
  });
  const { origin } = new URL(url);
  await context.route(
    (target) => target.origin !== origin && !["data:", "blob:"].includes(target.protocol),
    (route) => {
      strays.push(route.request().url());
      return route.abort();
    },
  );
  page = await context.newPage();
  page.on("websocket", (socket) => {
    if (new URL(socket.url()).host !== new URL(url).host) {
      strays.push(socket.url());
    }
  });
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) {
      violations.push(message.text());
    }
  });
  page.on("pageerror", (error) => violations.push(String(error)));
  await page.goto(`${url}/playground`);
  await page.locator(".graphiql-query-editor .view-line").first().waitFor();
});

afterEach(async () => {
  await context.close();
  expect(strays, "requests to other origins").toEqual([]);
  expect(violations, "policy violations and uncaught errors").toEqual([]);
});

/** Presses "run" and returns the request's key header and the displayed response. */
async function run() {
  const [request] = await Promise.all([
    page.waitForRequest(
      (sent) =>
        sent.url() === `${url}/graphql` &&
        sent.method() === "POST" &&
        !sent.postData()?.includes("__schema"),
    ),
    page.getByRole("button", { name: /^execute query/i }).click(),
  ]);
  await page.locator(".result-window .view-line").nth(1).waitFor();
  return {
    authorization: (await request.allHeaders())["authorization"],
    answer: await page.locator(".result-window .view-lines").innerText(),
  };
}

test("the examples are tabs named after their operations", async () => {
  await expect
    .poll(() => page.locator(".graphiql-tab-button").allInnerTexts())
    .toEqual(["Devices", "Measurements", "Pages", "RecordMeasurement", "Live"]);
});

test("the devices can be read without a key", async () => {
  const { authorization, answer } = await run();
  expect(authorization).toBeUndefined();
  expect(answer).toContain('"data"');

  const screenshot = process.env["AIRGRAPH_SCREENSHOT"];
  if (screenshot) {
    await page.screenshot({ path: screenshot });
    await page.setViewportSize({ width: 400, height: 800 });
    await page.screenshot({ path: screenshot.replace(/(\.png)?$/, "-narrow.png") });
  }
});

test("a typed key is sent as a header, survives a reload, and stays in the tab", async () => {
  await page.getByLabel("API key").fill(key);
  const { authorization, answer } = await run();
  expect(authorization).toBe(`Bearer ${key}`);
  if (realServer === undefined || process.env["AIRGRAPH_KEY"]) {
    expect(answer).toContain('"data"');
  }

  await page.reload();
  expect(await page.getByLabel("API key").inputValue()).toBe(key);
  expect(page.url()).not.toContain(key);
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(key);
});

test("a field that the schema doesn't have is underlined: schema and workers were loaded", async () => {
  await page.getByRole("button", { name: "New tab" }).click();
  await page.locator(".graphiql-query-editor .monaco-editor").first().click();
  await page.keyboard.insertText("query Wrong { noSuchField }");
  await page.locator(".graphiql-query-editor .squiggly-error").first().waitFor();
});

test("the query editor completes field names", async () => {
  await page.getByRole("button", { name: "New tab" }).click();
  await page.locator(".graphiql-query-editor .monaco-editor").first().click();
  await page.keyboard.type("query Q { devi");
  await page.getByRole("option", { name: /^devices/ }).first().waitFor();
});

test("the editors can be prettified", async () => {
  await page.getByRole("button", { name: "New tab" }).click();
  await page.locator(".graphiql-query-editor .monaco-editor").first().click();
  await page.keyboard.insertText("query Q{devices(first:1){nodes{key}}}");
  await page.getByRole("button", { name: /^prettify/i }).click();
  await page.locator(".graphiql-query-editor .view-line").nth(5).waitFor();
});

test("subscriptions use a WebSocket to the same place", async () => {
  await page.getByRole("button", { name: "New tab" }).click();
  await page.locator(".graphiql-query-editor .monaco-editor").first().click();
  await page.keyboard.insertText("subscription S { nothing }");
  const [socket] = await Promise.all([
    page.waitForEvent("websocket"),
    page.getByRole("button", { name: /^execute query/i }).click(),
  ]);
  expect(socket.url()).toBe(`${url.replace(/^http/, "ws")}/graphql`);
  if (stub) {
    await page.getByText(/interrupted/).first().waitFor();
    expect(stub.upgrades).toEqual(["graphql-transport-ws"]);
  }
});

test.skipIf(realServer === undefined)("a measurement is shown when it is recorded", async () => {
  await page.getByRole("button", { name: "Live", exact: true }).click();
  await page.getByRole("button", { name: /^execute query/i }).click();
  const device = `live-${Math.random().toString(36).slice(2)}`;
  const record = () =>
    fetch(`${url}/ingest/json`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ device, pm10: 12.4 }),
    });
  // Only samples stored after the start of the subscription are sent, and the start is not displayed.
  const recording = setInterval(() => void record(), 300);
  try {
    await page.locator(".result-window .view-line").getByText(device).first().waitFor();
  } finally {
    clearInterval(recording);
  }
});

test("the page can be used from the keyboard", async () => {
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("api-key");
  await page.locator(".graphiql-query-editor .monaco-editor").first().click();
  await page.keyboard.press("Control+Enter");
  await page.locator(".result-window .view-line").nth(1).waitFor();
  expect(await page.locator(".result-window .view-lines").innerText()).toContain('"data"');
});

test("the documentation opens and names the schema's types", async () => {
  await page.getByRole("button", { name: /^show documentation explorer/i }).click();
  await page.locator(".graphiql-plugin").getByText("Query", { exact: true }).first().click();
  await page.locator(".graphiql-plugin").getByText("devices").first().waitFor();
});

test("the theme setting reaches the whole page", async () => {
  const bar = () =>
    page.evaluate(() => getComputedStyle(document.querySelector(".bar")!).backgroundColor);
  const settings = page.getByRole("button", { name: /settings/i });

  await settings.click();
  await page.getByRole("button", { name: "Light" }).click();
  const light = await bar();
  await page.getByRole("button", { name: "Dark" }).click();
  expect(await bar()).not.toBe(light);
});
