// The playground in Chromium, without access to other servers.
//
//   AIRGRAPH_URL         a running server (without it: dist/ and a stub endpoint)
//   AIRGRAPH_KEY         an API key that server knows (without it: a made-up one)
//   AIRGRAPH_SCREENSHOT  where to save a picture, for example /tmp/playground.png
//   AIRGRAPH_COLORS      "dark" for the dark theme
//   CHROMIUM             the browser, /usr/bin/chromium by default
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { playgroundLink } from "../../src/shared/playgroundLink";
import { type GuardedPage, launchBrowser, openGuardedPage } from "./guardedPage";
import { adminKey, hasRealServer, post, realServer, recordExampleData } from "./realServer";
import { type StubServer, startStubServer } from "./stubServer";

const key = adminKey || "made-up-key";

let stub: StubServer | undefined;
let url: string;
let browser: Browser;
let guarded: GuardedPage;
let page: Page;

beforeAll(async () => {
  stub = realServer === undefined ? await startStubServer() : undefined;
  url = realServer ?? stub?.url ?? "";
  if (hasRealServer) {
    await recordExampleData();
  }
  browser = await launchBrowser(url);
});

afterAll(async () => {
  await browser?.close();
  await stub?.close();
});

beforeEach(async () => {
  guarded = await openGuardedPage(browser, url, {
    colorScheme: process.env["AIRGRAPH_COLORS"] === "dark" ? "dark" : "light",
  });
  page = guarded.page;
  await page.goto(`${url}/playground`);
  await page.locator(".graphiql-query-editor .view-line").first().waitFor();
});

afterEach(() => guarded.close());

/** The tabs of a first visit. */
const EXAMPLES = [
  "Devices",
  "Measurements",
  "Pages",
  "Statistics",
  "Cells",
  "Trips",
  "Index",
  "RecordMeasurement",
  "Live",
];

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
    .toEqual(EXAMPLES);
});

test.skipIf(!hasRealServer)("every example runs without an error on the data that is there", async () => {
  await page.getByLabel("API key").fill(key);
  for (const name of EXAMPLES.filter((name) => name !== "Live")) {
    await page.getByRole("button", { name, exact: true }).click();
    await page.locator(".result-window .view-line").nth(1).waitFor({ state: "detached" });
    const { answer } = await run();
    expect(answer, name).toContain('"data"');
    expect(answer, name).not.toContain('"errors"');
    // None of them is empty, as with the key of a device that is not there.
    expect(answer, name).not.toMatch(/: (?:\[\]|null)\s*\}\s*\}\s*$/);
  }
});

test("a request that another page hands over is the active tab, and leaves the address", async () => {
  const query = "query HandedOver($first: Int) { devices(first: $first) { nodes { key } } }";
  const link = playgroundLink({ query, variables: '{"first": 1}' }, `${url}/`);
  await page.goto(link);
  const tab = page.locator(".graphiql-tab-active, .graphiql-tab[aria-selected=true]").first();
  await tab.getByText("HandedOver").waitFor();
  expect(page.url()).toBe(`${url}/playground`);
  const [sent] = await Promise.all([
    page.waitForRequest((request) => request.postData()?.includes("HandedOver") ?? false),
    page.getByRole("button", { name: /^execute query/i }).click(),
  ]);
  expect(JSON.parse(sent.postData() ?? "")).toMatchObject({ query, variables: { first: 1 } });
});

test("a link with an unreadable request shows a notice", async () => {
  await page.goto(`${url}/playground#request=nothing`);
  await page.getByRole("alert").getByText("no request that can be read").waitFor();
  await page.locator(".graphiql-query-editor .view-line").first().waitFor();
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

test.skipIf(!hasRealServer)("a measurement is shown when it is recorded", async () => {
  await page.getByRole("button", { name: "Live", exact: true }).click();
  await page.getByRole("button", { name: /^execute query/i }).click();
  const device = `live-${Math.random().toString(36).slice(2)}`;
  const record = () => post("/ingest/json", JSON.stringify({ device, pm10: 12.4 }));
  // Only samples stored after the start of the subscription are sent, and the start is not displayed.
  const recording = setInterval(() => void record(), 300);
  try {
    await page.locator(".result-window .view-line").getByText(device).first().waitFor();
  } finally {
    clearInterval(recording);
  }
});

test("the page can be used from the keyboard", async () => {
  // The links to the other pages, then the key.
  for (let presses = 0; presses < 4; presses++) {
    await page.keyboard.press("Tab");
  }
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

test("the documentation shows the units of fields", async () => {
  await page.getByRole("button", { name: /^show documentation explorer/i }).click();
  const panel = page.locator(".graphiql-plugin");
  const follow = (name: string) => panel.getByRole("link", { name, exact: true }).first().click();
  await follow("Query");
  await follow("MeasurementConnection");
  await follow("Measurement");
  await panel.getByText("Particulate matter up to 2.5 µm, in µg/m³").waitFor();
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
