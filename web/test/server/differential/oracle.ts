// The result of graphql-js, the reference implementation, for a request.

import { readFileSync } from "node:fs";
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLScalarType,
  GraphQLError,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  buildSchema,
  getDirectiveValues,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  getVariableValues,
  isObjectType,
  isAbstractType,
  MaxIntrospectionDepthRule,
  parse,
  specifiedRules,
  validate,
  valueFromASTUntyped,
} from "graphql";
import type { Request } from "./requests";

export const schema = buildSchema(readFileSync(new URL("../../../../schema.graphql", import.meta.url), "utf8"));

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const dateTime = schema.getType("DateTime") as GraphQLScalarType;
dateTime.parseValue = (value) => {
  if (typeof value !== "string" || !RFC_3339.test(value) || Number.isNaN(Date.parse(value))) {
    throw new GraphQLError("no RFC 3339 time");
  }
  return value;
};
dateTime.parseLiteral = (node) => dateTime.parseValue(valueFromASTUntyped(node));

/** Those of the specification. */
const RULES = specifiedRules.filter((rule) => rule !== MaxIntrospectionDepthRule);

export interface Accepted {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  values: Record<string, unknown>;
}

/** Why a request is rejected, or its operation. */
export function oracle({ query, variables, operationName }: Request): Accepted | string {
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch (error) {
    return String(error);
  }
  if (hasConditionalRoot(document)) {
    return "a root field of a subscription has @skip or @include"; // graphql-js 16 throws here, or accepts it
  }
  const errors = validate(schema, document, RULES);
  if (errors.length > 0) {
    return errors.map((error) => error.message).join("; ");
  }
  const operations = document.definitions.filter((it) => it.kind === "OperationDefinition");
  const [operation, ...others] = operationName === undefined
    ? operations
    : operations.filter((it) => it.name?.value === operationName);
  if (!operation || others.length > 0) {
    return "it is not clear which operation runs";
  }
  const { coerced, errors: faults } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  return faults ? faults.map((error) => error.message).join("; ") : { document, operation, values: coerced };
}

/** Whether `CollectSubscriptionFields` (§5.2.4.1) meets `@skip` or `@include` in a subscription. */
function hasConditionalRoot(document: DocumentNode): boolean {
  const opened = new Set<string>();
  const isConditional = (set: SelectionSetNode): boolean =>
    set.selections.some((selection) => {
      if (selection.directives?.some(({ name }) => ["skip", "include"].includes(name.value))) {
        return true;
      }
      if (selection.kind === "InlineFragment") {
        return isConditional(selection.selectionSet);
      }
      if (selection.kind === "Field" || opened.has(selection.name.value)) {
        return false;
      }
      opened.add(selection.name.value);
      const fragments = document.definitions.filter((it) => it.kind === "FragmentDefinition");
      return fragments.some(({ name, selectionSet }) => name.value === selection.name.value && isConditional(selectionSet));
    });
  const operations = document.definitions.filter((it) => it.kind === "OperationDefinition");
  return operations.some(({ operation, selectionSet }) => operation === "subscription" && isConditional(selectionSet));
}

export function rootType({ operation }: Accepted): GraphQLCompositeType {
  return schema.getRootType(operation.operation)!;
}

/** `CollectFields` of the specification. */
export function collect(of: Accepted, type: GraphQLCompositeType, sets: readonly SelectionSetNode[]): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
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

/** The selection sets of fields that are one field. */
export function below(fields: readonly FieldNode[]): SelectionSetNode[] {
  return fields.flatMap((field) => (field.selectionSet ? [field.selectionSet] : []));
}
