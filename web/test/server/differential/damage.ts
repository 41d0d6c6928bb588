// Damage to documents. Some of it leaves a document valid; the oracle decides.

import {
  type ASTNode,
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type NameNode,
  type OperationDefinitionNode,
  parse,
  parseType,
  parseValue,
  print,
  visit,
} from "graphql";
import type { Random } from "./random";
import { ODD_LITERALS } from "./values";

/** A text with a fault in its tokens, or in what they mean. */
export function damaged(random: Random, schema: GraphQLSchema, text: string): string {
  if (random.oneIn(3)) {
    return damagedTokens(random, text);
  }
  let document: DocumentNode;
  try {
    document = parse(text, { noLocation: true });
  } catch {
    return damagedTokens(random, text);
  }
  const copy = structuredClone(document) as unknown as Mutable<DocumentNode>;
  const kinds = Object.values(damages);
  for (let left = random.oneIn(4) ? 2 : 1; left > 0; left -= 1) {
    random.pick(kinds)({ random, schema, document: copy });
  }
  const written = print(copy as unknown as DocumentNode);
  return random.oneIn(6) ? dressed(random, written) : written;
}

const TOKEN = /"""(?:[^"\\]|\\"""|\\|"(?!""))*"""|"(?:[^"\\]|\\.)*"|\.\.\.|[A-Za-z_0-9.+-]+|\s+|./gsu;
const OTHER_TOKENS = [
  "{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "&", "|", "=", "...", "on", "x", "1", "01", "1.", "1e", "-", '""', '"""a\\""""""',
  '"\\u{110000}"', '"\\uD83D"', "#", "query", "fragment", "mutation", "type", "null", "true", ",", "\ufeff", "\u0000", "é",
];

/** A token is missing, doubled, moved or another; or a character. */
function damagedTokens(random: Random, text: string): string {
  const tokens = text.match(TOKEN) ?? [];
  const at = random.below(tokens.length);
  const token = tokens[at] ?? "";
  const other = random.pick(OTHER_TOKENS);
  const changed = [[], [token, token], [other], [token, other], [`${token}x`], [tokens[at + 1] ?? "", token], [token.slice(1)]];
  tokens.splice(at, 1, ...random.pick(changed));
  return tokens.join("");
}

/** The same document with comments, commas, descriptions and a byte order mark. */
function dressed(random: Random, text: string): string {
  const separators = [",", " # {\n", "\r\n", "\t", "\ufeff"];
  const spaced = text.replace(/\n/g, () => (random.oneIn(3) ? ` ${random.pick(separators)}\n` : "\n"));
  return random.oneIn(3) ? spaced.replace(/(?<=^|\n)(query|mutation|fragment|subscription)\b/g, '"about" $1') : spaced;
}

/** A syntax tree to be changed. */
type Mutable<T> = T extends readonly (infer Item)[] ? Mutable<Item>[] : T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;

interface Damage {
  random: Random;
  schema: GraphQLSchema;
  document: Mutable<DocumentNode>;
}

/** One of the nodes of these kinds; none where there are none. */
function some<K extends Kind>({ random, document }: Damage, ...kinds: K[]): Mutable<Extract<ASTNode, { kind: K }>> | undefined {
  const found: ASTNode[] = [];
  visit(document as unknown as DocumentNode, {
    enter(node) {
      if (kinds.includes(node.kind as K)) found.push(node);
    },
  });
  return found.length === 0 ? undefined : (random.pick(found) as never);
}

const name = (value: string): NameNode => ({ kind: Kind.NAME, value });
const directive = (text: string) => {
  const definition = parse(`{ a ${text} }`, { noLocation: true }).definitions[0] as OperationDefinitionNode;
  return definition.selectionSet.selections[0]!.directives![0] as never;
};
const DIRECTIVES = [
  "@nope", "@skip", "@include(if: null)", "@skip(if: 1)", '@include(if: "true")', "@skip(if: true, unless: true)",
  "@skip(if: false)", "@include(if: true)", "@deprecated", '@specifiedBy(url: "x")', "@oneOf", "@skip(if: $undeclared)",
];

const damages: Record<string, (damage: Damage) => void> = {
  anotherName: (damage) => {
    const node = some(damage, Kind.NAME);
    const others = ["x", "id", "key", "Device", "Query", "on", "true", "__typename", "__proto__", "filter", "F0", "v0"];
    if (node) node.value = damage.random.pick([`${node.value}x`, ...others]);
  },
  anotherValue: (damage) => {
    const node = some(damage, Kind.ARGUMENT, Kind.OBJECT_FIELD);
    if (node) node.value = parseValue(damage.random.pick(ODD_LITERALS), { noLocation: true }) as never;
  },
  argumentMissing: (damage) => {
    const node = some(damage, Kind.FIELD, Kind.DIRECTIVE);
    if (node?.arguments?.length) node.arguments.splice(damage.random.below(node.arguments.length), 1);
  },
  argumentTwice: (damage) => {
    const node = some(damage, Kind.FIELD, Kind.DIRECTIVE);
    if (node?.arguments?.length) node.arguments.push(structuredClone(damage.random.pick(node.arguments)));
  },
  unknownArgument: (damage) => {
    const node = some(damage, Kind.FIELD);
    const argument = { kind: Kind.ARGUMENT, name: name("nope"), value: { kind: Kind.NULL } };
    if (node) node.arguments = [...(node.arguments ?? []), argument as never];
  },
  inputFieldMissing: (damage) => {
    const node = some(damage, Kind.OBJECT);
    if (node?.fields.length) node.fields.splice(damage.random.below(node.fields.length), 1);
  },
  inputFieldTwice: (damage) => {
    const node = some(damage, Kind.OBJECT);
    if (node?.fields.length) node.fields.push(structuredClone(damage.random.pick(node.fields)));
  },
  inputFieldsReversed: (damage) => void some(damage, Kind.OBJECT)?.fields.reverse(),
  fieldTwice: (damage) => {
    const set = some(damage, Kind.SELECTION_SET);
    const field = set?.selections.find((selection) => selection.kind === Kind.FIELD);
    if (!set || !field) return;
    const copy = structuredClone(field) as Extract<typeof field, { kind: Kind.FIELD }>;
    copy.arguments?.reverse();
    const object = copy.arguments?.find(({ value }) => value.kind === Kind.OBJECT)?.value;
    if (object?.kind === Kind.OBJECT) object.fields.reverse();
    if (damage.random.oneIn(3)) copy.arguments?.pop();
    set.selections.push(copy);
  },
  sameAlias: (damage) => {
    const [one, other] = [some(damage, Kind.FIELD), some(damage, Kind.FIELD)];
    if (one && other) one.alias = structuredClone(other.alias ?? other.name);
  },
  aliasOfIntrospection: (damage) => {
    const node = some(damage, Kind.FIELD);
    if (node) node.alias = name(damage.random.pick(["__typename", "__x", "on", "null"])) as never;
  },
  typenameInPlace: (damage) => {
    const node = some(damage, Kind.FIELD);
    if (!node) return;
    node.name.value = "__typename";
    if (!damage.random.oneIn(4)) node.arguments = [];
    if (!damage.random.oneIn(4)) delete (node as { selectionSet?: unknown }).selectionSet;
  },
  selectionMissing: (damage) => {
    const node = some(damage, Kind.FIELD);
    if (node) delete (node as { selectionSet?: unknown }).selectionSet;
  },
  selectionOfLeaf: (damage) => {
    const node = some(damage, Kind.FIELD);
    if (node) (node as { selectionSet?: unknown }).selectionSet ??= setOf(field("x"));
  },
  directiveAdded: (damage) => {
    const kinds = [Kind.FIELD, Kind.FRAGMENT_SPREAD, Kind.INLINE_FRAGMENT, Kind.OPERATION_DEFINITION, Kind.FRAGMENT_DEFINITION, Kind.VARIABLE_DEFINITION];
    const node = some(damage, ...(kinds as Kind.FIELD[]));
    if (node) node.directives = [...(node.directives ?? []), directive(damage.random.pick(DIRECTIVES))];
  },
  directiveTwice: (damage) => {
    const node = some(damage, Kind.FIELD, Kind.FRAGMENT_SPREAD, Kind.INLINE_FRAGMENT);
    if (node?.directives?.length) node.directives.push(structuredClone(node.directives[0]!));
  },
  anotherTypeCondition: (damage) => {
    const node = some(damage, Kind.INLINE_FRAGMENT, Kind.FRAGMENT_DEFINITION);
    const types = ["Node", "Device", "Query", "Int", "MeasurementFilter", "Nope", "Role", "__Type"];
    if (node) node.typeCondition = { kind: Kind.NAMED_TYPE, name: name(damage.random.pick(types)) } as never;
  },
  anotherVariableType: (damage) => {
    const node = some(damage, Kind.VARIABLE_DEFINITION);
    if (!node) return;
    const type = print(node.type as never);
    const types = [`[${type}]`, type.endsWith("!") ? type.slice(0, -1) : `${type}!`, "Int", "String", "ID!", "[String!]", "Device"];
    node.type = parseType(damage.random.pick(types), { noLocation: true }) as never;
  },
  anotherDefault: (damage) => {
    const node = some(damage, Kind.VARIABLE_DEFINITION);
    const literals = ODD_LITERALS.filter((text) => !text.includes("$"));
    if (node) node.defaultValue = parseValue(damage.random.pick(literals), { noLocation: true }) as never;
  },
  variableUndeclared: (damage) => {
    const node = some(damage, Kind.OPERATION_DEFINITION);
    node?.variableDefinitions?.splice(damage.random.below(node.variableDefinitions.length), 1);
  },
  variableTwice: (damage) => {
    const node = some(damage, Kind.OPERATION_DEFINITION);
    if (node?.variableDefinitions?.length) node.variableDefinitions.push(structuredClone(node.variableDefinitions[0]!));
  },
  variableUnused: (damage) => {
    const node = some(damage, Kind.OPERATION_DEFINITION);
    const variable = { kind: Kind.VARIABLE_DEFINITION, variable: { kind: Kind.VARIABLE, name: name("unused") } };
    const type = parseType(damage.random.pick(["Int", "[Nope]", "Device!"]), { noLocation: true });
    if (node) node.variableDefinitions = [...(node.variableDefinitions ?? []), { ...variable, type } as never];
  },
  definitionMissing: ({ random, document }) => {
    if (document.definitions.length > 1) document.definitions.splice(random.below(document.definitions.length), 1);
  },
  definitionTwice: ({ random, document }) => {
    document.definitions.push(structuredClone(random.pick(document.definitions)));
  },
  fragmentUnused: ({ random, document }) => {
    const text = random.pick(["fragment Unused on Device { key }", "fragment Unused on Query { ...Unused }", "fragment on2 on Node { id }"]);
    document.definitions.push(...(parse(text, { noLocation: true }).definitions as never[]));
  },
  fragmentsInACircle: (damage) => {
    const fragment = some(damage, Kind.FRAGMENT_DEFINITION);
    const set = some(damage, Kind.SELECTION_SET);
    if (fragment && set) set.selections.push({ kind: Kind.FRAGMENT_SPREAD, name: name(fragment.name.value) } as never);
  },
  anotherKind: (damage) => {
    const node = some(damage, Kind.OPERATION_DEFINITION);
    if (node) node.operation = damage.random.pick(["query", "mutation", "subscription"]) as never;
  },
  operationNameMissing: (damage) => {
    const node = some(damage, Kind.OPERATION_DEFINITION);
    if (node) delete (node as { name?: unknown }).name;
  },
  typeSystemDefinition: ({ random, document }) => {
    const text = random.pick(["type A { a: Int }", "extend type Query { a: Int }", "scalar B", "directive @c on FIELD"]);
    document.definitions.push(...(parse(text, { noLocation: true }).definitions as never[]));
  },
  moreRootFields: (damage) => {
    const node = some(damage, Kind.OPERATION_DEFINITION);
    const roots = [field("__typename"), field("server", setOf(field("version"))), field("feedCursor"), field("statisticsUpdated")];
    node?.selectionSet.selections.push(damage.random.pick(roots) as never);
  },
};

function field(of: string, selectionSet?: ReturnType<typeof setOf>) {
  return { kind: Kind.FIELD as const, name: name(of), ...(selectionSet ? { selectionSet } : {}) };
}

function setOf(...selections: object[]) {
  return { kind: Kind.SELECTION_SET as const, selections };
}
