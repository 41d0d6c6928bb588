// graphql-js executes a request over the values of the gateway's response, with an error wherever the gateway reports one. So it
// decides which keys the response has, in which order, the form of its values, and how far an error propagates.
//
// Where the gateway returns null because of an error below it, the omitted values are made up. If the error propagates
// less far than in the gateway's response, they are in the response of graphql-js.

import {
  type ExecutionResult,
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLCompositeType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type SelectionSetNode,
  GraphQLError,
  execute,
  getNamedType,
  introspectionTypes,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  getLocation,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  visit,
} from "graphql";
import { type Accepted, below as setsOf, collect, rootType, schema } from "./oracle";

export interface Answer {
  data?: Record<string, unknown> | null;
  errors?: AnswerError[];
}

export interface AnswerError {
  message: string;
  path?: (string | number)[];
  locations?: { line: number; column: number }[];
  extensions?: { code?: string };
}

// Introspection is replayed as every other field is.
for (const type of introspectionTypes) {
  for (const field of isObjectType(type) ? Object.values(type.getFields()) : []) {
    delete (field as { resolve?: unknown }).resolve;
  }
}
delete (SchemaMetaFieldDef as { resolve?: unknown }).resolve;
delete (TypeMetaFieldDef as { resolve?: unknown }).resolve;

type Path = readonly (string | number)[];

const META_FIELDS = new Map([SchemaMetaFieldDef, TypeMetaFieldDef].map((field) => [field.name, field]));

/** An object that the gateway omitted. */
class MadeUp {
  constructor(readonly path: Path) {}
}

/** Differences between the response and that of graphql-js with the same values. */
export async function replay(of: Accepted, answer: Answer): Promise<string[]> {
  const replayed = new Replay(answer);
  const result = await replayed.run(of);
  const [expected, answered] = [JSON.stringify(result.data), JSON.stringify(answer.data)];
  const faults = expected === answered ? [] : [`answered ${answered}, which graphql-js completes to ${expected} (${result.errors})`];
  return [...faults, ...strayed(of, answer.errors ?? []), ...misplaced(of, answer.errors ?? [])];
}

class Replay {
  readonly #paths: Path[];

  constructor(private readonly answer: Answer) {
    this.#paths = (answer.errors ?? []).flatMap(({ path }) => (path ? [path] : []));
  }

  async run(of: Accepted): Promise<ExecutionResult> {
    return execute({
      schema,
      document: of.document,
      rootValue: this.answer.data ?? new MadeUp([]),
      variableValues: of.values,
      operationName: of.operation.name?.value,
      // A promise: an error in one field doesn't stop graphql-js from executing the others.
      fieldResolver: async (source: unknown, _args, _context, info) => {
        const path = pathOf(info);
        const isMadeUp = source instanceof MadeUp;
        const value = isMadeUp ? undefined : (source as Record<string, unknown>)[path.at(-1)!];
        return this.#value(value, info.returnType, path, isMadeUp);
      },
      typeResolver: (value, _context, info, type) => this.#type(of, value, info, type),
    });
  }

  #value(value: unknown, type: GraphQLOutputType, path: Path, isMadeUp: boolean): unknown {
    const here = JSON.stringify(path);
    if (this.#paths.some((other) => JSON.stringify(other) === here)) {
      throw new GraphQLError("as the gateway answered");
    }
    const nullable = isNonNullType(type) ? type.ofType : type;
    const errors = this.#paths.filter((other) => other.length > path.length && path.every((key, at) => other[at] === key));
    if (value === null || value === undefined) {
      if (errors.length === 0 && !isMadeUp) {
        return value;
      }
      if (!isListType(nullable)) {
        return errors.length > 0 || isNonNullType(type) ? madeUp(nullable, path) : null;
      }
      const count = Math.max(0, ...errors.map((other) => Number(other[path.length]) + 1));
      return Array.from({ length: count }, (_, at) => this.#item(undefined, nullable.ofType, [...path, at], true));
    }
    if (isListType(nullable) && Array.isArray(value)) {
      return value.map((item, at) => this.#item(item, nullable.ofType, [...path, at], false));
    }
    return value;
  }

  async #item(value: unknown, type: GraphQLOutputType, path: Path, isMadeUp: boolean) {
    return this.#value(value, type, path, isMadeUp);
  }

  /** The type of an object of an interface: the one in `__typename`, or the first that has the object's fields. */
  #type(of: Accepted, value: unknown, info: GraphQLResolveInfo, abstract: GraphQLAbstractType): string | undefined {
    const below = (path: Path) => this.#paths.filter((other) => path.every((key, at) => other[at] === key));
    const needed = value instanceof MadeUp
      ? below(value.path).map((other) => String(other[value.path.length]))
      : Object.keys(value as object);
    const fits = schema.getPossibleTypes(abstract).find((type) => {
      const fields = collect(of, type, setsOf(info.fieldNodes));
      const says = [...fields].find(([, [field]]) => field?.name.value === "__typename")?.[0];
      if (value instanceof MadeUp) {
        return needed.every((key) => fields.has(key));
      }
      const isNamed = says === undefined || (value as Record<string, unknown>)[says] === type.name;
      return isNamed && JSON.stringify(needed) === JSON.stringify([...fields.keys()]);
    });
    return fits?.name;
  }
}

function madeUp(type: GraphQLOutputType, path: Path): unknown {
  if (isListType(type)) {
    return [];
  }
  if (isObjectType(type) || isInterfaceType(type)) {
    return new MadeUp(path);
  }
  if (isEnumType(type)) {
    return type.getValues()[0]?.name;
  }
  return { Boolean: false, Int: 0, Float: 0 }[getNamedType(type).name] ?? "made up";
}

function pathOf({ path }: GraphQLResolveInfo): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let at: typeof path | undefined = path; at; at = at.prev) {
    keys.unshift(at.key);
  }
  return keys;
}

/** Errors at paths that are not selected, and duplicate errors. */
function strayed(of: Accepted, errors: readonly AnswerError[]): string[] {
  const isSelected = (path: Path, type: GraphQLCompositeType, sets: readonly SelectionSetNode[]): boolean => {
    const [key, ...rest] = path.filter((key) => typeof key === "string");
    const types = isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
    return key === undefined || types.some((type) => {
      const fields = collect(of, type, sets).get(key);
      const name = fields?.[0]?.name.value ?? "";
      const definition = "getFields" in type ? (type.getFields()[name] ?? META_FIELDS.get(name)) : undefined;
      const next = definition && getNamedType(definition.type);
      return fields !== undefined && (rest.length === 0 || (isCompositeType(next) && isSelected(rest, next, setsOf(fields))));
    });
  };
  const paths = errors.flatMap(({ path }) => (path ? [path] : []));
  const written = paths.map((path) => JSON.stringify(path));
  return [
    ...paths.filter((path) => !isSelected(path, rootType(of), [of.operation.selectionSet]))
      .map((path) => `an error is at ${path.join(".")}, where nothing is selected`),
    ...written.filter((path, at) => written.indexOf(path) !== at).map((path) => `two errors are at ${path}`),
  ];
}

/** Errors with a location other than that of a field with their key. */
function misplaced(of: Accepted, errors: readonly AnswerError[]): string[] {
  const fields = new Map<string, string>();
  const source = of.document.loc?.source;
  visit(of.document, {
    Field(node: FieldNode) {
      if (source && node.loc) {
        const { line, column: end } = getLocation(source, node.loc.start);
        const before = source.body.slice(node.loc.start - end + 1, node.loc.start);
        const column = [...before].length + 1; // graphql-js counts UTF-16 units
        fields.set(`${line}:${column}`, node.alias?.value ?? node.name.value);
      }
    },
  });
  return errors.flatMap(({ path, locations }) => {
    const key = path?.findLast((key) => typeof key === "string");
    const faults = (locations ?? []).filter(({ line, column }) => fields.get(`${line}:${column}`) !== key);
    return path && faults.length > 0 ? [`the error at ${path.join(".")} is located at ${JSON.stringify(locations)}`] : [];
  });
}

