import { readFileSync } from "node:fs";
import { buildSchema, getVariableValues, Kind, parse, validate } from "graphql";
import { expect, test } from "vitest";
import { placeholders } from "../../src/playground/exampleData";
import { exampleTabs } from "../../src/playground/examples";

const schema = buildSchema(
  readFileSync(new URL("../../../schema.graphql", import.meta.url), "utf8"),
);

const tabs = exampleTabs(placeholders(new Date()));

test.each(tabs)("an example is one valid, named operation with an explanation", ({ query }) => {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);

  const [operation, ...others] = document.definitions;
  expect(others).toEqual([]);
  expect(operation?.kind === Kind.OPERATION_DEFINITION && operation.name?.value).toBeTruthy();
  expect(query).toMatch(/^# [A-Z]/);
});

test("no two tabs have the same name", () => {
  const names = tabs.map(({ query }) => /^(?:query|mutation|subscription) (\w+)/m.exec(query)?.[1]);
  expect(new Set(names).size).toBe(tabs.length);
});

test.each(tabs)("the variables of an example are those that its operation declares", ({ query, variables }) => {
  const [operation] = parse(query).definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) {
    throw new Error("no operation");
  }
  const given = JSON.parse(variables ?? "{}") as Record<string, unknown>;
  const declared = operation.variableDefinitions ?? [];
  expect(getVariableValues(schema, declared, given).errors).toBeUndefined();
  expect(declared.map(({ variable }) => variable.name.value)).toEqual(expect.arrayContaining(Object.keys(given)));
});
