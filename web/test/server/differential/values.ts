// Random input values, as JSON and as literals of a document.

import {
  type GraphQLInputType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isScalarType,
} from "graphql";
import type { Random } from "./random";

/** JSON values, mostly of another type than expected. */
export const ODD_VALUES = [null, 0, 1, 1.5, -0, 1e21, "", "x", "1", true, [], {}, [null], [[1]], ["x"], { x: 1 }];

/** Literals, mostly of another type than expected. */
export const ODD_LITERALS = [
  "null", "1", "-0", "1.5", "1e2", "1E+2", "0.0", '"x"', '"1"', '"\\u{1F680}\\uD83D\\uDE80"', '"""\n  a\n   b\\"""\n"""',
  "X", "[]", "{}", "true", "[[1]]", "[null]", "{x: 1}", "$undeclared", "2147483648", "12345678901234567890",
];

/** A value of a type as JSON has it; enums are strings. Sometimes it is of another type. */
export function json(random: Random, type: GraphQLInputType, depth = 0, isNullable = true): unknown {
  if (isNonNullType(type)) {
    return json(random, type.ofType, depth, false);
  }
  if (random.oneIn(isNullable ? 40 : 500)) {
    return null;
  }
  if (isListType(type)) {
    return random.oneIn(6)
      ? json(random, type.ofType, depth + 1)
      : Array.from({ length: random.below(3) }, () => json(random, type.ofType, depth + 1));
  }
  if (isEnumType(type)) {
    return random.oneIn(40) ? "NOPE" : random.pick(type.getValues()).name;
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    const isChosen = (isRequired: boolean) => (isRequired ? !random.oneIn(40) : depth < 3 && random.oneIn(6));
    const chosen = type.isOneOf && !random.oneIn(8)
      ? [random.pick(fields)]
      : fields.filter((field) => isChosen(isNonNullType(field.type) && field.defaultValue === undefined));
    if (random.oneIn(3)) {
      chosen.reverse();
    }
    return Object.fromEntries(chosen.map((field) => {
      const name = random.oneIn(80) ? `${field.name}x` : field.name;
      return [name, json(random, field.type, depth + 1)];
    }));
  }
  switch (isScalarType(type) ? type.name : "") {
    case "Int":
      return random.pick([0, 1, 2, 3, 5, 7, 12, 100, 2_147_483_647, random.oneIn(5) ? 2_147_483_648 : -1]);
    case "Float":
      return random.pick([0, 1, 0.5, 7.6, 52, -12.25, 1e21]);
    case "Boolean":
      return random.oneIn(2);
    case "DateTime":
      return random.weighted([
        [8, "2026-05-01T10:00:00Z"],
        [4, "2026-05-01T10:00:00+02:00"],
        [4, "2026-05-01T12:00:00.5Z"],
        [1, "2026-05-01"],
        [1, "now"],
      ]);
    case "ID":
      return random.pick(["x", 7, "RGV2aWNlOjE"]);
    default:
      return random.pick(["box", "pole", "UTC", "", "é🚀", 'a"b\\c']);
  }
}

/** A JSON value as a literal of this type. */
export function literal(value: unknown, type: GraphQLInputType): string {
  const nullable = isNonNullType(type) ? type.ofType : type;
  if (value === null || typeof value === "number" || typeof value === "boolean") {
    return Object.is(value, -0) ? "-0" : String(value);
  }
  if (Array.isArray(value)) {
    const of = isListType(nullable) ? nullable.ofType : nullable;
    return `[${value.map((item) => literal(item, of)).join(", ")}]`;
  }
  if (isListType(nullable)) {
    return literal(value, nullable.ofType);
  }
  if (typeof value === "object") {
    const fields = isInputObjectType(nullable) ? nullable.getFields() : {};
    const written = Object.entries(value as Record<string, unknown>).map(([name, field]) => {
      const type = fields[name]?.type ?? fields[name.replace(/x$/, "")]?.type ?? nullable;
      return `${name}: ${literal(field, type)}`;
    });
    return `{${written.join(", ")}}`;
  }
  return isEnumType(nullable) ? String(value) : JSON.stringify(value);
}
