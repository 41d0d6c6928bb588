import { readFileSync } from "node:fs";
import { buildSchema, Kind, parse, validate } from "graphql";
import { expect, test } from "vitest";
import { exampleTabs } from "../../src/playground/examples";

const schema = buildSchema(
  readFileSync(new URL("../../../schema.graphql", import.meta.url), "utf8"),
);

test.each(exampleTabs)("an example is one valid, named operation with an explanation", ({ query }) => {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);

  const [operation, ...others] = document.definitions;
  expect(others).toEqual([]);
  expect(operation?.kind === Kind.OPERATION_DEFINITION && operation.name?.value).toBeTruthy();
  expect(query).toMatch(/^# [A-Z]/);
});

test("no two tabs have the same name", () => {
  const names = exampleTabs.map(({ query }) => /^(?:query|mutation|subscription) (\w+)/m.exec(query)?.[1]);
  expect(new Set(names).size).toBe(exampleTabs.length);
});
