// Chromium without access to other hosts, and pages that notice what they must not do.
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

/** Starts Chromium (`CHROMIUM`, default /usr/bin/chromium) for the pages at `url`. */
export function launchBrowser(url: string): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--enable-unsafe-swiftshader", // WebGL, for maps
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // In case request interception misses a request: no other host name resolves.
      `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${new URL(url).hostname}`,
    ],
  });
}

/** A page whose requests to other origins are refused and, with violations of its policy, reported by `close`. */
export interface GuardedPage {
  context: BrowserContext;
  page: Page;
  /** Closes the page; fails when it did what it must not do. */
  close(): Promise<void>;
}

export async function openGuardedPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<GuardedPage> {
  const strays: string[] = [];
  const violations: string[] = [];
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    serviceWorkers: "block",
    ...options,
  });
  const { origin, host } = new URL(url);
  await context.route(
    (target) => target.origin !== origin && !["data:", "blob:"].includes(target.protocol),
    (route) => {
      strays.push(route.request().url());
      return route.abort();
    },
  );
  const page = await context.newPage();
  page.on("websocket", (socket) => {
    if (new URL(socket.url()).host !== host) {
      strays.push(socket.url());
    }
  });
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) {
      violations.push(message.text());
    }
  });
  page.on("pageerror", (error) => violations.push(String(error)));
  return {
    context,
    page,
    async close() {
      await context.close();
      expect(strays, "requests to other origins").toEqual([]);
      expect(violations, "policy violations and uncaught errors").toEqual([]);
    },
  };
}
