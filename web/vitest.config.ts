import { defineConfig } from "vitest/config";

/** Bound of `expect.poll`: for hung conditions, not for slow machines. */
const poll = { timeout: 30_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        test: { name: "server", include: ["test/server/**/*.test.ts"], testTimeout: 60_000, expect: { poll } },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          expect: { poll },
        },
      },
      { test: { name: "bench", include: ["bench/**/*.test.ts"] } },
    ],
  },
});
