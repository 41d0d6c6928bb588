// The explorer in Chromium, on gateways with databases of their own:
//
//   AIRGRAPH_BIN          the program; without it these tests are skipped
//   AIRGRAPH_PAGES        "dist": the pages of dist/ instead of those in the program
//   AIRGRAPH_SCREENSHOTS  a folder for pictures
import AxeBuilder from "@axe-core/playwright";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { ProxyOptions } from "vite";
import { expect } from "vitest";
import type { Gateway } from "../server/gateway";
import { type GuardedPage, openGuardedPage } from "./guardedPage";

export const hasProgram = process.env["AIRGRAPH_BIN"] !== undefined && process.env["AIRGRAPH_URL"] !== undefined;

export interface Site {
  gateway: Gateway;
  /** Where the pages are. */
  url: string;
  remove(): Promise<void>;
}

/** Starts a gateway with an empty database. */
export async function startSite(settings: NodeJS.ProcessEnv = {}): Promise<Site> {
  const { Gateway } = await import("../server/gateway");
  const gateway = await Gateway.start(settings);
  if (process.env["AIRGRAPH_PAGES"] !== "dist") {
    return { gateway, url: gateway.url, remove: () => gateway.remove() };
  }
  const { preview } = await import("vite");
  const proxy = Object.fromEntries(
    ["/graphql", "/ingest", "/explorer.json", "/map.pmtiles"].map((path) => [path, { target: gateway.url, ws: path === "/graphql", configure: closeOnError }]),
  );
  const server = await preview({ logLevel: "silent", preview: { host: "127.0.0.1", port: 0, proxy } });
  const { port } = server.httpServer.address() as { port: number };
  return {
    gateway,
    url: `http://127.0.0.1:${port}`,
    async remove() {
      await server.close();
      await gateway.remove();
    },
  };
}

/** A lost gateway is a lost connection, not the status 500 of Vite's proxy. */
const closeOnError: NonNullable<ProxyOptions["configure"]> = (proxy) => {
  proxy.on("error", (_error, request) => request.socket.destroy());
};

/** An open explorer. `close` fails after errors in the console, requests to other hosts and violations of its policy. */
export class ExplorerPage {
  readonly errors: string[] = [];
  /** GraphQL operations that the page has sent over HTTP. */
  readonly requests: string[] = [];

  private constructor(
    readonly site: Site,
    private readonly guarded: GuardedPage,
    /** Console errors that the test causes. */
    private readonly expected: RegExp | undefined,
  ) {}

  static async open(
    browser: Browser,
    site: Site,
    query = "",
    options: BrowserContextOptions & { expectedErrors?: RegExp; prepare?: (page: Page) => Promise<void> } = {},
  ): Promise<ExplorerPage> {
    const { expectedErrors, prepare, ...context } = options;
    const guarded = await openGuardedPage(browser, site.url, context);
    const explorer = new ExplorerPage(site, guarded, expectedErrors);
    const { page } = guarded;
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        explorer.errors.push(message.text());
      }
    });
    page.on("request", (request) => {
      const name = /(?:query|mutation) (\w+)/.exec(request.postData() ?? "")?.[1];
      if (name && request.url().endsWith("/graphql")) {
        explorer.requests.push(name);
      }
    });
    await prepare?.(page);
    await page.goto(`${site.url}/${query}`);
    return explorer;
  }

  get page(): Page {
    return this.guarded.page;
  }

  async close(): Promise<void> {
    await this.guarded.close();
    const unexpected = this.errors.filter((text) => !this.expected?.test(text) && !isDriverMessage(text));
    expect(unexpected, "errors and warnings in the console").toEqual([]);
  }

  /** Waits until the live region has a text, and returns it. */
  async announced(text: RegExp): Promise<string> {
    await expect.poll(() => this.page.locator("#live-region").innerText()).toMatch(text);
    return this.page.locator("#live-region").innerText();
  }

  /** Waits until the map is drawn completely. */
  async drawn(): Promise<void> {
    await this.page.locator('.map-frame[aria-busy="false"] .map[data-state="idle"]').waitFor({ timeout: 30_000 });
  }

  /** Colour of a pixel of the page, as red, green and blue. */
  async colourAt(x: number, y: number): Promise<number[]> {
    const picture = await this.page.screenshot({ clip: { x, y, width: 1, height: 1 } });
    return this.page.evaluate(async (bytes) => {
      const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(bytes), (char) => char.charCodeAt(0))]));
      const canvas = new OffscreenCanvas(1, 1);
      const context = canvas.getContext("2d")!;
      context.drawImage(bitmap, 0, 0);
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    }, picture.toString("base64"));
  }

  /** The middle of the map, in pixels of the page. */
  async middle(): Promise<{ x: number; y: number }> {
    const box = (await this.page.locator(".map").boundingBox())!;
    return { x: Math.round(box.x + box.width / 2), y: Math.round(box.y + box.height / 2) };
  }

  /** Serious and critical violations of WCAG 2.2 A and AA, as text. */
  async violations(): Promise<string[]> {
    const { violations } = await new AxeBuilder({ page: this.page })
      .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
      .analyze();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n")}`);
  }

  async screenshot(name: string): Promise<void> {
    const folder = process.env["AIRGRAPH_SCREENSHOTS"];
    if (folder) {
      await this.drawn();
      await this.page.screenshot({ path: `${folder}/${name}.png` });
    }
  }

  /** Stores a sample now. */
  async record(device: string, pm25: number, latitude: number, longitude: number): Promise<void> {
    const { url, key } = this.site.gateway;
    const response = await fetch(`${url}/ingest/json`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ device, pm25, pm10: pm25 + 5, latitude, longitude }),
    });
    expect(response.status).toBeLessThan(300);
  }
}

/** Messages of Chromium about WebGL in software. */
function isDriverMessage(text: string): boolean {
  return /GPU stall due to ReadPixels|swiftshader|Automatic fallback to software WebGL/i.test(text);
}

/** Sends a GraphQL request with the admin key. */
export async function graphql<Data>(
  gateway: Gateway,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Data> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
}
