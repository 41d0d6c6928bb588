// Random GraphQL requests over a schema: queries, mutations and subscriptions, several operations and fragments in a document,
// valid ones, nearly valid ones, and damaged ones.

import {
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  introspectionTypes,
  isCompositeType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
} from "graphql";
import { damaged } from "./damage";
import { Random } from "./random";
import { json, literal, ODD_LITERALS, ODD_VALUES } from "./values";

export interface Request {
  query: string;
  variables: Record<string, unknown>;
  operationName?: string;
}

/** Slow mutations, and mutations that use more disk with each run. */
const SKIPPED_FIELDS = new Set(["replayUplinks"]);
/** Features of graphql-js from a draft after the edition of September 2025: deprecated directives. */
const DRAFT_FIELDS = new Set(["__Directive.isDeprecated", "__Directive.deprecationReason"]);
const DRAFT_ARGUMENTS = new Set(["directives.includeDeprecated"]);
const MAX_DEPTH = 4;
/** Selections of the introspection types are nested less: a type has fields, which have types, which have fields. */
const MAX_INTROSPECTION_DEPTH = 3;

const NODE = (schema: GraphQLSchema) => schema.getType("Node") as GraphQLInterfaceType;

interface Variable {
  type: string;
  value: unknown;
  fallback: string | undefined;
}

interface Fragment {
  text: string;
  on: string;
  /** The variables that are used in it, and in fragments that it spreads. */
  variables: Set<string>;
}

export class Generator {
  readonly #random: Random;
  /** Of all operations: a name has one meaning. */
  readonly #variables = new Map<string, Variable>();
  readonly #fragments = new Map<string, Fragment>();
  /** The variables of the operation or fragment that is being generated. */
  #used = new Set<string>();
  /** Number of fields. */
  #fields = 0;

  constructor(
    private readonly schema: GraphQLSchema,
    seed: number,
  ) {
    this.#random = new Random(seed);
  }

  request(): Request {
    const random = this.#random;
    const count = random.oneIn(6) ? 2 + random.below(2) : 1;
    const operations = Array.from({ length: count }, (_, at) => this.#operation(count > 1 ? `Q${at}` : undefined));
    const fragments = [...this.#fragments.values()].map(({ text }) => text);
    const parts = random.oneIn(4) ? [...fragments, ...operations] : [...operations, ...fragments];
    let query = parts.join(" ");
    if (random.oneIn(3)) {
      query = damaged(random, this.schema, query);
    }
    const request: Request = { query, variables: this.#values() };
    if (count > 1 ? !random.oneIn(12) : random.oneIn(30)) {
      request.operationName = random.oneIn(15) ? "Nope" : `Q${random.below(count)}`;
    }
    return request;
  }

  #values(): Record<string, unknown> {
    const random = this.#random;
    const values: Record<string, unknown> = {};
    for (const [name, { type, value }] of this.#variables) {
      if (!random.oneIn(type.endsWith("!") ? 25 : 6)) {
        values[name] = random.oneIn(25) ? random.pick(ODD_VALUES) : value;
      }
    }
    if (random.oneIn(20)) {
      values["unknown"] = random.pick(ODD_VALUES);
    }
    return values;
  }

  #operation(name: string | undefined): string {
    const random = this.#random;
    this.#used = new Set();
    const kind = random.weighted([[8, "query"], [3, "mutation"], [2, "subscription"]] as const);
    const roots = { query: "Query", mutation: "Mutation", subscription: "Subscription" };
    const body = kind === "subscription" && !random.oneIn(10) ? this.#oneRootField() : this.#selections(roots[kind], 0);
    const declared = [...this.#used].map((used) => {
      const { type, fallback } = this.#variables.get(used)!;
      return `$${used}: ${type}${fallback === undefined ? "" : ` = ${fallback}`}`;
    });
    if (declared.length === 0 && kind === "query" && name === undefined && random.oneIn(2)) {
      return body;
    }
    const written = name ?? random.pick(["", "Q0"]);
    return `${kind} ${written}${declared.length === 0 ? "" : `(${declared.join(" ")})`} ${body}`;
  }

  #oneRootField(): string {
    const fields = Object.values(this.schema.getSubscriptionType()?.getFields() ?? {});
    const field = this.#random.pick(fields);
    const text = this.#field(field.name, field.args, field.type, 0, this.#random.oneIn(15));
    return this.#random.oneIn(5) ? `{ ...on Subscription { ${text} } }` : `{ ${text} }`;
  }

  #selections(typeName: string, depth: number): string {
    const random = this.#random;
    const type = this.#type(typeName);
    if (!isObjectType(type) && !isInterfaceType(type)) {
      return "{ __typename }";
    }
    const fields = Object.values(type.getFields()).filter(
      (field) => !SKIPPED_FIELDS.has(field.name) && !DRAFT_FIELDS.has(`${typeName}.${field.name}`),
    );
    const items: string[] = [];
    for (let left = 1 + random.below(4); left > 0; left -= 1) {
      const kind = random.below(14);
      if (kind === 0) {
        items.push(`__typename ${this.#directives()}`);
      } else if (kind === 1 && depth < MAX_DEPTH) {
        items.push(`... ${this.#directives()} ${this.#selections(typeName, depth + 1)}`);
      } else if (kind === 2 && depth < MAX_DEPTH) {
        const isNode = typeName === "Node" || this.schema.isSubType(NODE(this.schema), type as GraphQLObjectType);
        const on = random.oneIn(isNode ? 3 : 40) ? random.pick(["Node", "Device", "Measurement"]) : typeName;
        items.push(`... on ${on} ${this.#directives()} ${this.#selections(on, depth + 1)}`);
      } else if (kind === 3 && depth < MAX_DEPTH) {
        items.push(`...${this.#fragment(typeName, depth)} ${this.#directives()}`);
      } else if (kind === 4 && typeName === "Query") {
        const { name, args, type } = random.oneIn(8) ? SchemaMetaFieldDef : TypeMetaFieldDef;
        items.push(this.#field(name, args, type, depth));
      } else {
        const field = random.pick(fields);
        items.push(this.#field(field.name, field.args, field.type, depth));
      }
    }
    return `{ ${items.join(" ")} }`;
  }

  #type(name: string): GraphQLNamedType | undefined {
    return this.schema.getType(name) ?? introspectionTypes.find((type) => type.name === name);
  }

  #field(
    name: string,
    args: readonly GraphQLArgument[],
    type: GraphQLOutputType,
    depth: number,
    hasDirectives = true,
  ): string {
    const random = this.#random;
    const named = getNamedType(type);
    const known = args.filter((arg) => !DRAFT_ARGUMENTS.has(`${name}.${arg.name}`));
    const given = this.#arguments(known);
    this.#fields += 1;
    // Fields with one key and different arguments are a conflict.
    const isAlone = given !== "" && !random.oneIn(4);
    const key = isAlone ? `f${this.#fields}` : random.oneIn(15) ? random.pick(["a", "b", name]) : undefined;
    const text = `${key === undefined ? "" : `${key}: `}${name}${given} ${hasDirectives ? this.#directives() : ""}`;
    if (!isCompositeType(named)) {
      return text;
    }
    const deepest = named.name.startsWith("__") ? MAX_INTROSPECTION_DEPTH : MAX_DEPTH;
    return `${text} ${depth < deepest ? this.#selections(named.name, depth + 1) : "{ __typename }"}`;
  }

  /** The name of an existing or a new fragment. */
  #fragment(on: string, depth: number): string {
    const random = this.#random;
    const known = [...this.#fragments].filter(([, fragment]) => fragment.on === on && fragment.text !== "");
    if (known.length > 0 && !random.oneIn(3)) {
      const [name, { variables }] = random.pick(known);
      variables.forEach((variable) => this.#used.add(variable));
      return name;
    }
    const name = `F${this.#fragments.size}`;
    const variables = new Set<string>();
    this.#fragments.set(name, { text: "", on, variables }); // reserves the name; it is not spread yet
    const outer = this.#used;
    this.#used = variables;
    const text = `fragment ${name} on ${on} ${this.#selections(on, Math.max(depth, MAX_DEPTH - 2))}`;
    this.#used = outer;
    this.#fragments.set(name, { text, on, variables });
    variables.forEach((variable) => this.#used.add(variable));
    return name;
  }

  #directives(): string {
    const random = this.#random;
    if (!random.oneIn(6)) {
      return "";
    }
    const condition = random.oneIn(3) ? `$${this.#variable("Boolean!", random.oneIn(2))}` : random.pick(["true", "false"]);
    const directive = `@${random.pick(["skip", "include"])}(if: ${condition})`;
    const other = directive.startsWith("@skip") ? "@include(if: true)" : "@skip(if: false)";
    return random.oneIn(8) ? `${directive} ${random.oneIn(12) ? directive : other}` : directive;
  }

  #arguments(args: readonly GraphQLArgument[]): string {
    const random = this.#random;
    const isRequired = (arg: GraphQLArgument) => isNonNullType(arg.type) && arg.defaultValue === undefined;
    const given = args.filter((arg) => (isRequired(arg) ? !random.oneIn(80) : random.oneIn(4)));
    return given.length === 0 ? "" : `(${given.map((arg) => `${arg.name}: ${this.#value(arg)}`).join(", ")})`;
  }

  #value({ type, defaultValue }: GraphQLArgument): string {
    const random = this.#random;
    if (random.oneIn(5)) {
      const hasDefault = defaultValue !== undefined && isNonNullType(type) && random.oneIn(2);
      return `$${this.#variable(hasDefault ? type.ofType.toString() : type.toString(), json(random, type), type)}`;
    }
    if (random.oneIn(40)) {
      return random.pick(ODD_LITERALS);
    }
    return this.#withVariables(literal(json(random, type), type));
  }

  /** The literal, sometimes with a scalar replaced by a variable of some type. */
  #withVariables(text: string): string {
    const random = this.#random;
    return text.replace(/(?<=[:[,] ?)("(?:[^"\\]|\\.)*"|-?\d[\d.e+]*|true|false)(?=[,\]}])/g, (value) => {
      if (!random.oneIn(30)) {
        return value;
      }
      const parsed: unknown = JSON.parse(value);
      const ofString = random.pick(["String", "ID", "DateTime"]);
      const type = { string: ofString, number: Number.isInteger(parsed) ? random.pick(["Int", "Float"]) : "Float" }[
        typeof parsed as string
      ];
      return `$${this.#variable(`${type ?? "Boolean"}${random.pick(["", "!"])}`, parsed)}`;
    });
  }

  #variable(type: string, value: unknown, of?: GraphQLInputType): string {
    const random = this.#random;
    const reusable = [...this.#variables].find(([, known]) => known.type === type);
    if (reusable && random.oneIn(2)) {
      this.#used.add(reusable[0]);
      return reusable[0];
    }
    const name = `v${this.#variables.size}`;
    const others = ["Int", "[Int]", "String", "[[Int]]", "MeasurementFilter", "Nope", "Device", `${type}!`, `[${type}]`];
    const declared = random.oneIn(15) ? random.pick([...others, type.replace("!", "")]) : type;
    const written = of ? literal(json(random, of), of) : JSON.stringify(value);
    const fallback = random.oneIn(8) ? (random.oneIn(6) ? random.pick(ODD_LITERALS) : written) : undefined;
    this.#variables.set(name, { type: declared, value, fallback });
    this.#used.add(name);
    return name;
  }
}
