// GraphQL Code Generator reads the schema from the gateway. The types of its client preset, with strict scalars, compile, and
// reject what the schema rejects.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "@graphql-codegen/cli";
import ts from "typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import { url } from "../server";

const web = fileURLToPath(new URL("../../../", import.meta.url));

const USE = `
import { GraphQLClient } from "graphql-request";
import { graphql } from "./generated";

const DEVICES = graphql(\`
  query Devices($first: Int, $filter: DeviceFilter) {
    devices(first: $first, filter: $filter) { nodes { key kind latest { measuredAt pm25 } } }
  }
\`);
const RECORD = graphql(\`
  mutation Record($input: RecordMeasurementsInput!) { recordMeasurements(input: $input) { recorded rejected { index } } }
\`);

export async function use(client: GraphQLClient) {
  const { devices } = await client.request(DEVICES, { first: 10, filter: { kind: "MOBILE", seenSince: "2026-05-01T10:00:00Z" } });
  const [device] = devices.nodes;
  const key: string = device!.key;
  const time: string | undefined = device!.latest?.measuredAt;
  const pm25: number | null | undefined = device!.latest?.pm25;
  const measurements = [{ device: key, measuredAt: time ?? "2026-05-01T10:00:00Z", pm25 }];
  const { recordMeasurements } = await client.request(RECORD, { input: { measurements } });
  // @ts-expect-error: no such field was selected
  recordMeasurements.duplicates;
  // @ts-expect-error: a time is no number
  await client.request(DEVICES, { filter: { seenSince: 1 } });
  // @ts-expect-error: the input is required
  await client.request(RECORD, {});
  return recordMeasurements.recorded.toFixed();
}
`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(web, "node_modules/.codegen-")); // where TypeScript finds packages
});

afterAll(() => rm(folder, { recursive: true }));

test("the client preset compiles", async () => {
  const use = join(folder, "use.ts");
  await writeFile(use, USE);
  await generate(
    {
      schema: `${url}/graphql`,
      documents: [use],
      silent: true,
      generates: {
        [`${folder}/generated/`]: {
          preset: "client",
          config: { strictScalars: true, scalars: { DateTime: "string" }, enumsAsTypes: true, useTypeImports: true },
        },
      },
    },
    true,
  );
  const program = ts.createProgram([use], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  });
  const faults = ts.getPreEmitDiagnostics(program);
  expect(ts.formatDiagnostics(faults, { getCurrentDirectory: () => folder, getCanonicalFileName: (name) => name, getNewLine: () => "\n" })).toBe("");
});
