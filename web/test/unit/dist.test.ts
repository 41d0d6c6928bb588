// A check of the built files. The stronger proof that the page needs no internet is
// the browser test, which intercepts the requests themselves.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, expect, test } from "vitest";

const dist = resolve(process.env["AIRGRAPH_WEB_DIST"] ?? join(import.meta.dirname, "../../dist"));

let files: { name: string; text: string }[] = [];

beforeAll(() => {
  if (!existsSync(dist)) {
    throw new Error(`${dist} is missing: run \`npm run build\` first`);
  }
  files = readdirSync(dist, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(html|js|css|svg)$/.test(name))
    .map((name) => ({ name, text: readFileSync(join(dist, name), "utf8") }));
});

function hits(kind: RegExp, pattern: RegExp): string[] {
  return files
    .filter(({ name }) => kind.test(name))
    .flatMap(({ name, text }) => [...text.matchAll(pattern)].map(([hit]) => `${name}: ${hit}`));
}

test("the playground was built", () => {
  expect(files.map(({ name }) => name)).toContain("playground.html");
});

test("pages refer to their own assets, by relative paths", () => {
  const targets = files
    .filter(({ name }) => name.endsWith(".html"))
    .flatMap(({ text }) => [...text.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, to]) => to));
  expect(targets.length).toBeGreaterThan(0);
  expect(targets.filter((to) => !to?.startsWith("./assets/"))).toEqual([]);
});

test("pages have no inline script or style, which the Content-Security-Policy forbids", () => {
  expect(hits(/\.html$/, /<script(?![^>]*\bsrc=)[^>]*>|<style|\son\w+=|\sstyle=/g)).toEqual([]);
});

test("style sheets load nothing from elsewhere", () => {
  expect(hits(/\.css$/, /(?:url\(|@import\s*)["']?(?:https?:)?\/\/[^)"']*/g)).toEqual([]);
});

// Library code contains URLs that it never loads: XML namespaces, links to
// documentation, JSON Schema identifiers. So only loading positions count here.
test("scripts load nothing from elsewhere", () => {
  const loading =
    /(?:\bimport\s*\(|\bfrom\s*|\bimport\s*|\bfetch\(|\bimportScripts\(|\bnew (?:Shared)?Worker\(|\bnew (?:WebSocket|EventSource)\(|\bsendBeacon\(|\.(?:src|href)\s*=\s*)\s*["'`](?:https?|wss?):\/\/[^"'`]*/g;
  const links = /\.href=`https:\/\/maplibre\.org\/$/; // of a logo: nothing is loaded
  expect(hits(/\.js$/, loading).filter((hit) => !links.test(hit))).toEqual([]);
});

test("no host that serves packages is named anywhere", () => {
  expect(
    hits(
      /./,
      /[\w.-]*(?:unpkg\.com|jsdelivr\.net|esm\.sh|esm\.run|cdnjs\.|skypack\.dev|jspm\.(?:io|dev)|googleapis\.com|gstatic\.com|vscode-cdn\.net|vscode-unpkg\.net)[^"'`\s]{0,40}/g,
    ),
  ).toEqual([]);
});

test("no source maps", () => {
  const names = readdirSync(dist, { recursive: true, encoding: "utf8" });
  expect(names.filter((name) => name.endsWith(".map"))).toEqual([]);
  expect(hits(/\.(js|css)$/, /\/[/*]# sourceMappingURL=\S*/g)).toEqual([]);
});
