import { resolve } from "node:path";
import { defineConfig } from "vite";
import { trustedDocumentsPlugin } from "./build/trustedDocuments.ts";

// One HTML file per page; the server answers `/<name>` with `<name>.html`, and `/` with `index.html`.
const pages = ["index", "playground", "admin"];

const gateway = process.env["AIRGRAPH_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  // Relative, so that the pages also work behind a path prefix.
  base: "./",
  plugins: [trustedDocumentsPlugin()],
  build: {
    target: ["chrome123", "firefox121", "safari17.5"],
    // Fonts and icons stay files: the Content-Security-Policy then needs no `data:` fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Monaco is one 2.7 MB chunk by design.
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input: Object.fromEntries(
        pages.map((name) => [name, resolve(import.meta.dirname, `${name}.html`)]),
      ),
      // Dependencies mark their React components "use client", which has no effect here.
      onLog(level, log, next) {
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") {
          next(level, log);
        }
      },
    },
  },
  worker: { format: "es" },
  server: {
    proxy: {
      "/graphql": { target: gateway, ws: true },
      "/explorer.json": gateway,
      "/ingest": gateway,
    },
  },
});
