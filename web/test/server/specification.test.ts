// The gateway beside graphql-js, the reference implementation: random requests must be accepted or refused alike, and what is
// answered must have the keys, and the order, that the specification says. A document and its twin, in which graphql-js has
// opened the fragments and written the variables out, must be answered the same.
//
//   AIRGRAPH_REQUESTS=50000 npm run test:server -- specification    # 2000 unless set
//   AIRGRAPH_SEED=7                                                 # 1 unless set

import { readFileSync } from "node:fs";
import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLScalarType,
  GraphQLError,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
  astFromValue,
  buildSchema,
  getDirectiveValues,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  getNamedType,
  getVariableValues,
  isCompositeType,
  isObjectType,
  isAbstractType,
  Kind,
  parse,
  print,
  validate,
  valueFromASTUntyped,
} from "graphql";
import { expect, test } from "vitest";
import { Generator, type Request } from "./requests";
import { url } from "./server";

const COUNT = Number(process.env["AIRGRAPH_REQUESTS"] ?? 2000);
const SEED = Number(process.env["AIRGRAPH_SEED"] ?? 1);
const AT_ONCE = 8;

/** Codes of refusals that are the gateway's own: limits on what a request may be. */
const LIMITS = ["TOO_COMPLEX", "RATE_LIMITED", "UNAVAILABLE"];

/** Requests about which both may disagree, and why. */
const DISAGREEMENTS: { reason: string; applies(request: Request): boolean }[] = [
  {
    reason: "graphql-js takes every number in JavaScript's range for a Float; 1e400 is none in JSON either",
    applies: ({ query }) => /\d[eE]\+?\d{3,}/.test(query),
  },
];

const schema = buildSchema(readFileSync(new URL("../../../schema.graphql", import.meta.url), "utf8"));
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const dateTime = schema.getType("DateTime") as GraphQLScalarType;
dateTime.parseValue = (value) => {
  if (typeof value !== "string" || !RFC_3339.test(value) || Number.isNaN(Date.parse(value))) {
    throw new GraphQLError("no RFC 3339 time");
  }
  return value;
};
dateTime.parseLiteral = (node) => dateTime.parseValue(valueFromASTUntyped(node));

interface Accepted {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  values: Record<string, unknown>;
}

/** What graphql-js says: why a request is refused, or what of it would run. */
function oracle({ query, variables }: Request): Accepted | string {
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch (error) {
    return String(error);
  }
  const errors = validate(schema, document);
  if (errors.length > 0) {
    return errors.map((error) => error.message).join("; ");
  }
  const operations = document.definitions.filter((it) => it.kind === "OperationDefinition");
  const [operation] = operations;
  if (!operation || operations.length > 1) {
    return "it is not clear which operation runs";
  }
  const { coerced, errors: faults } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  return faults ? faults.map((error) => error.message).join("; ") : { document, operation, values: coerced };
}

type Fields = Map<string, FieldNode[]>;

/** `CollectFields` of the specification. */
function collect(of: Accepted, type: GraphQLCompositeType, sets: readonly SelectionSetNode[]): Fields {
  const fields: Fields = new Map();
  const opened = new Set<string>();
  const applies = (condition: string) => {
    const target = schema.getType(condition);
    return condition === type.name || (isAbstractType(target) && isObjectType(type) && schema.isSubType(target, type));
  };
  const add = (set: SelectionSetNode) => {
    for (const selection of set.selections) {
      if (isSkipped(of, selection)) {
        continue;
      }
      if (selection.kind === "Field") {
        const key = selection.alias?.value ?? selection.name.value;
        fields.set(key, [...(fields.get(key) ?? []), selection]);
      } else if (selection.kind === "InlineFragment") {
        if (!selection.typeCondition || applies(selection.typeCondition.name.value)) {
          add(selection.selectionSet);
        }
      } else if (!opened.has(selection.name.value)) {
        opened.add(selection.name.value);
        const fragment = of.document.definitions.find(
          (it) => it.kind === "FragmentDefinition" && it.name.value === selection.name.value,
        );
        if (fragment?.kind === "FragmentDefinition" && applies(fragment.typeCondition.name.value)) {
          add(fragment.selectionSet);
        }
      }
    }
  };
  sets.forEach(add);
  return fields;
}

function isSkipped(of: Accepted, selection: SelectionNode) {
  return (
    getDirectiveValues(GraphQLSkipDirective, selection, of.values)?.["if"] === true ||
    getDirectiveValues(GraphQLIncludeDirective, selection, of.values)?.["if"] === false
  );
}

function typeOf(parent: GraphQLCompositeType, field: FieldNode) {
  if (field.name.value === "__typename" || !("getFields" in parent)) {
    return undefined;
  }
  const type = parent.getFields()[field.name.value]?.type;
  return type && getNamedType(type);
}

function below(fields: readonly FieldNode[]) {
  return fields.flatMap((field) => (field.selectionSet ? [field.selectionSet] : []));
}

/** Where the keys of an answer are not those of the selection, or in another order. */
function misplaced(of: Accepted, type: GraphQLCompositeType, sets: readonly SelectionSetNode[], data: unknown): string | undefined {
  if (Array.isArray(data)) {
    return data.map((item) => misplaced(of, type, sets, item)).find((fault) => fault !== undefined);
  }
  if (data === null || !isObjectType(type)) {
    return undefined;
  }
  const fields = collect(of, type, sets);
  const answered = data as Record<string, unknown>;
  if (JSON.stringify(Object.keys(answered)) !== JSON.stringify([...fields.keys()])) {
    return `${type.name}: ${Object.keys(answered)} in place of ${[...fields.keys()]}`;
  }
  for (const [key, same] of fields) {
    const next = same[0] && typeOf(type, same[0]);
    if (isCompositeType(next)) {
      const fault = misplaced(of, next, below(same), answered[key]);
      if (fault !== undefined) {
        return fault;
      }
    }
  }
  return undefined;
}

/** The document with variables written out, fragments opened and fields merged; none where an abstract type is in the way. */
function twin(of: Accepted): string | undefined {
  const query = schema.getQueryType();
  const set = query && merged(of, query, [of.operation.selectionSet]);
  if (!set) {
    return undefined;
  }
  const definition: OperationDefinitionNode = {
    kind: Kind.OPERATION_DEFINITION,
    operation: of.operation.operation,
    selectionSet: set,
  };
  return print({ kind: Kind.DOCUMENT, definitions: [definition] });
}

function merged(of: Accepted, type: GraphQLCompositeType, sets: readonly SelectionSetNode[]): SelectionSetNode | undefined {
  if (!isObjectType(type)) {
    return undefined;
  }
  const selections: SelectionNode[] = [];
  for (const same of collect(of, type, sets).values()) {
    const first = same[0] as FieldNode;
    const next = typeOf(type, first);
    const definition = type.getFields()[first.name.value];
    const given = first.arguments ?? [];
    const args = given.flatMap((argument): ArgumentNode[] => {
      if (argument.value.kind !== Kind.VARIABLE) {
        return [argument];
      }
      const target = definition?.args.find((it) => it.name === argument.name.value);
      const value = of.values[argument.value.name.value];
      const written = target && value !== undefined ? astFromValue(value, target.type) : undefined;
      return written ? [{ ...argument, value: written }] : [];
    });
    const set = isCompositeType(next) ? merged(of, next, below(same)) : undefined;
    if (args.some((argument) => hasVariable(argument.value)) || (isCompositeType(next) && !set)) {
      return undefined;
    }
    const { directives: _directives, ...plain } = first;
    selections.push({ ...plain, arguments: args, ...(set ? { selectionSet: set } : {}) });
  }
  return selections.length > 0 ? { kind: Kind.SELECTION_SET, selections } : undefined;
}

function hasVariable(value: ValueNode): boolean {
  switch (value.kind) {
    case "Variable":
      return true;
    case "ListValue":
      return value.values.some(hasVariable);
    case "ObjectValue":
      return value.fields.some((field) => hasVariable(field.value));
    default:
      return false;
  }
}

interface Answer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; path?: unknown[]; extensions?: { code?: string } }[];
}

async function ask(request: Request): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(request),
  });
  const text = await response.text();
  try {
    return JSON.parse(text) as Answer;
  } catch {
    throw new Error(`${response.status}: ${text}`);
  }
}

/** Everything in which the gateway differs; nothing where it doesn't. */
async function differences(request: Request): Promise<{ differs: string[]; accepted: boolean; limited: boolean }> {
  const expected = oracle(request);
  const answer = await ask(request);
  const refused = !("data" in answer);
  const limited = answer.errors?.some((error) => LIMITS.includes(error.extensions?.code ?? "")) ?? false;
  const accepted = typeof expected !== "string";
  if (limited || DISAGREEMENTS.some((known) => known.applies(request))) {
    return { differs: [], accepted, limited };
  }
  if (refused === accepted) {
    const why = accepted ? `refused though valid: ${JSON.stringify(answer.errors)}` : `accepted though invalid: ${expected}`;
    return { differs: [why], accepted, limited };
  }
  const differs: string[] = [];
  const root = schema.getQueryType();
  if (accepted && root && answer.data) {
    const fault = misplaced(expected, root, [expected.operation.selectionSet], answer.data);
    if (fault) {
      differs.push(`keys: ${fault}`);
    }
    const query = twin(expected);
    if (query) {
      const same = await ask({ query, variables: {} });
      if (JSON.stringify(same.data) !== JSON.stringify(answer.data)) {
        differs.push(`its twin ${query} is answered ${JSON.stringify(same)} and not ${JSON.stringify(answer)}`);
      }
    }
  }
  return { differs, accepted, limited };
}

test(
  "the gateway takes, refuses and answers requests as the specification says",
  async () => {
    const found: string[] = [];
    const counts = { accepted: 0, refused: 0, limited: 0 };
    let next = 0;
    const work = async () => {
      while (next < COUNT && found.length < 20) {
        const number = next;
        next += 1;
        const request = new Generator(schema, SEED * 1_000_003 + number).request();
        const { differs, accepted, limited } = await differences(request);
        counts[limited ? "limited" : accepted ? "accepted" : "refused"] += 1;
        found.push(...differs.map((fault) => `#${number} ${JSON.stringify(request)}\n  ${fault}`));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(found.join("\n\n")).toBe("");
    // The generator must go on making both kinds.
    expect(counts.accepted).toBeGreaterThan(COUNT / 10);
    expect(counts.refused).toBeGreaterThan(COUNT / 10);
  },
  Math.max(120_000, COUNT * 60),
);
