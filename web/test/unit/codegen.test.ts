import { readFile } from "node:fs/promises";
import { executeCodegen } from "@graphql-codegen/cli";
import { expect, test } from "vitest";
import { trustedDocuments } from "../../build/trustedDocuments";
import config from "../../codegen";

test("the generated types are those of schema and documents (else: npm run codegen)", async () => {
  const { result } = await executeCodegen(config);
  expect(result.length).toBeGreaterThan(0);
  for (const { filename, content } of result) {
    expect(await readFile(filename, "utf8"), filename).toBe(content);
  }
});

test("the manifest has every document, and operations have different names", async () => {
  const documents = Object.values(await trustedDocuments());
  const names = documents.map((text) => /^(?:query|mutation|subscription) (\w+)/.exec(text)?.[1]);
  expect(names).toContain("Map");
  expect(new Set(names).size).toBe(documents.filter((text) => !text.startsWith("fragment")).length);
});
