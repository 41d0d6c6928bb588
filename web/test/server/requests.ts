// Random GraphQL requests over a schema: valid ones, nearly valid ones, and damaged ones. The same seed gives the same requests.

import {
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
} from "graphql";

export interface Request {
  query: string;
  variables: Record<string, unknown>;
}

/** Fields whose values change from one moment to the next, or that take the server long. */
const SKIPPED_FIELDS = new Set(["server", "feedCursor", "uplinks", "cells", "trips", "airQuality"]);
const MAX_DEPTH = 4;

/** Numbers from 0 to 1 (mulberry32). */
export function random(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class Generator {
  private readonly next: () => number;
  private variables = new Map<string, { type: string; value: unknown; fallback?: string }>();
  private fragments = new Map<string, string>();

  constructor(
    private readonly schema: GraphQLSchema,
    seed: number,
  ) {
    this.next = random(seed);
  }

  request(): Request {
    this.variables = new Map();
    this.fragments = new Map();
    const body = this.selections("Query", 0);
    const values: Record<string, unknown> = {};
    const declared = [...this.variables].map(([name, { type, value, fallback }]) => {
      if (value !== undefined && !this.oneIn(12)) {
        values[name] = this.oneIn(25) ? this.pick([null, 1, 1.5, "x", true, [], {}, [[1]]]) : value;
      }
      return `$${name}: ${type}${fallback === undefined ? "" : ` = ${fallback}`}`;
    });
    const head = declared.length === 0 ? this.pick(["", "query ", "query Q "]) : `query Q(${declared.join(" ")}) `;
    let query = `${head}${body} ${[...this.fragments.values()].join(" ")}`;
    if (this.oneIn(4)) {
      query = this.damaged(query);
    }
    return { query, variables: values };
  }

  private below(count: number) {
    return Math.floor(this.next() * count);
  }

  private oneIn(count: number) {
    return this.below(count) === 0;
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  private selections(typeName: string, depth: number): string {
    const type = this.schema.getType(typeName);
    if (!isObjectType(type) && !isInterfaceType(type)) {
      return "{ __typename }";
    }
    const fields = Object.values(type.getFields()).filter((field) => !SKIPPED_FIELDS.has(field.name));
    const items: string[] = [];
    for (let left = 1 + this.below(4); left > 0; left -= 1) {
      const kind = this.below(14);
      if (kind === 0) {
        items.push(`__typename ${this.directives()}`);
      } else if (kind === 1 && depth < MAX_DEPTH) {
        items.push(`... ${this.directives()} ${this.selections(typeName, depth + 1)}`);
      } else if (kind === 2 && depth < MAX_DEPTH) {
        const on = this.oneIn(5) ? this.pick(["Node", "Device", "Measurement"]) : typeName;
        items.push(`... on ${on} ${this.directives()} ${this.selections(on, depth + 1)}`);
      } else if (kind === 3 && depth < MAX_DEPTH) {
        items.push(`...${this.fragment(typeName, depth)} ${this.directives()}`);
      } else {
        const field = this.pick(fields);
        items.push(this.field(field.name, field.args, field.type, depth));
      }
    }
    return `{ ${items.join(" ")} }`;
  }

  private field(name: string, args: readonly GraphQLArgument[], type: GraphQLOutputType, depth: number): string {
    const named = getNamedType(type);
    const alias = this.oneIn(6) ? `${this.pick(["a", "b", name])}: ` : "";
    const text = `${alias}${name}${this.arguments(args)} ${this.directives()}`;
    if (!isCompositeType(named)) {
      return text;
    }
    return `${text} ${depth < MAX_DEPTH ? this.selections(named.name, depth + 1) : "{ __typename }"}`;
  }

  private fragment(on: string, depth: number): string {
    const known = `F${on}`;
    if (!this.fragments.has(known)) {
      this.fragments.set(known, ""); // what it holds doesn't spread it
      this.fragments.set(known, `fragment ${known} on ${on} ${this.selections(on, Math.max(depth, MAX_DEPTH - 1))}`);
    }
    return known;
  }

  private directives(): string {
    if (!this.oneIn(6)) {
      return "";
    }
    const condition = this.oneIn(3) ? `$${this.variable("Boolean!", this.oneIn(2))}` : this.pick(["true", "false"]);
    return `@${this.pick(["skip", "include"])}(if: ${condition})`;
  }

  private arguments(args: readonly GraphQLArgument[]): string {
    const given = args.filter((arg) => isNonNullType(arg.type) || this.oneIn(4));
    return given.length === 0 ? "" : `(${given.map((arg) => `${arg.name}: ${this.value(arg.type, 0)}`).join(", ")})`;
  }

  private variable(type: string, value: unknown): string {
    const reusable = [...this.variables].find(([, known]) => known.type === type);
    if (reusable && this.oneIn(2)) {
      return reusable[0];
    }
    const name = `v${this.variables.size}`;
    const declared = this.oneIn(15) ? this.pick(["Int", "[Int]", "String", "[[Int]]", "MeasurementFilter", "Nope", type]) : type;
    this.variables.set(name, { type: declared, value });
    return name;
  }

  private value(type: GraphQLInputType, depth: number): string {
    if (this.oneIn(7)) {
      return `$${this.variable(type.toString(), this.json(type, depth))}`;
    }
    if (this.oneIn(40)) {
      return this.pick(["null", "1", "1.5", '"x"', "X", "[]", "{}", "true", "[[1]]", "$undeclared"]);
    }
    return literal(this.json(type, depth), type);
  }

  /** A value as JSON has it; enums are strings. */
  private json(type: GraphQLInputType, depth: number): unknown {
    if (isNonNullType(type)) {
      return this.json(type.ofType, depth);
    }
    if (isListType(type)) {
      return this.oneIn(6)
        ? this.json(type.ofType, depth + 1)
        : Array.from({ length: this.below(3) }, () => this.json(type.ofType, depth + 1));
    }
    if (isEnumType(type)) {
      return this.oneIn(30) ? "NOPE" : this.pick(type.getValues()).name;
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields());
      const chosen = type.isOneOf && !this.oneIn(8) ? [this.pick(fields)] : fields.filter((field) => isNonNullType(field.type) ? !this.oneIn(30) : depth < 3 && this.oneIn(6));
      return Object.fromEntries(chosen.map((field) => [this.oneIn(60) ? `${field.name}x` : field.name, this.json(field.type, depth + 1)]));
    }
    switch (type.name) {
      case "Int":
        return this.pick([0, 1, 2, 5, 2_147_483_647, 2_147_483_648, -1]);
      case "Float":
        return this.pick([0, 1, 0.5, -12.25, 1e21]);
      case "Boolean":
        return this.oneIn(2);
      case "DateTime":
        return this.pick(["2026-05-01T10:00:00Z", "2026-05-01T10:00:00+02:00", "2026-05-01T12:00:00.5Z", "2026-05-01", "now"]);
      case "ID":
        return this.pick(["x", 7, "RGV2aWNlOjE"]);
      default:
        return this.pick(["box", "UTC", "", "é🚀", 'a"b\\c']);
    }
  }

  /** A token is missing, doubled or another; or a character. */
  private damaged(query: string): string {
    const tokens = query.match(/"(?:[^"\\]|\\.)*"|\.\.\.|[A-Za-z_0-9.+-]+|\s+|./gsu) ?? [];
    const at = this.below(tokens.length);
    const other = this.pick(["{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "...", "on", "x", "1", "01", "-", '""', '"""a\\""""""', "#", "query", "fragment", "null", "true", ",", "\ufeff"]);
    const changed = [[], [tokens[at], tokens[at]], [other], [tokens[at], other], [`${tokens[at]}x`]];
    tokens.splice(at, 1, ...(this.pick(changed) as string[]));
    return tokens.join("");
  }
}

function literal(value: unknown, type: GraphQLInputType): string {
  const nullable = isNonNullType(type) ? type.ofType : type;
  if (value === null || typeof value === "number" || typeof value === "boolean") {
    return String(value).replace("e+", "e");
  }
  if (Array.isArray(value)) {
    const of = isListType(nullable) ? nullable.ofType : nullable;
    return `[${value.map((item) => literal(item, of)).join(", ")}]`;
  }
  if (isListType(nullable)) {
    return literal(value, nullable.ofType);
  }
  if (typeof value === "object" && isInputObjectType(nullable)) {
    const fields = nullable.getFields();
    const written = Object.entries(value as Record<string, unknown>).map(([name, field]) => `${name}: ${literal(field, fields[name.replace(/x$/, "")]?.type ?? fields[name]?.type ?? nullable)}`);
    return `{${written.join(", ")}}`;
  }
  return isEnumType(nullable) ? String(value) : JSON.stringify(value);
}
