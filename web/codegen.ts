// Types of the documents that the pages send: `npm run codegen` writes src/graphql/generated/, one file for each folder of
// documents.
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import type { CodegenConfig } from "@graphql-codegen/cli";

const folder = resolve(import.meta.dirname, "src/graphql");

const areas = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "generated")
  .map(({ name }) => name);

const config: CodegenConfig = {
  schema: resolve(import.meta.dirname, "../schema.graphql"),
  silent: true,
  generates: Object.fromEntries(
    areas.map((area) => [
      `${folder}/generated/${area}.ts`,
      {
        documents: `${folder}/${area}/*.graphql`,
        plugins: ["typescript-operations", "typed-document-node"],
        config: {
          scalars: { DateTime: "string" },
          strictScalars: true,
          useTypeImports: true,
        },
      },
    ]),
  ),
};

export default config;
