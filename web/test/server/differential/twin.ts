// The canonical twin of a query: variables written out, fragments opened, fields merged by graphql-js.

import {
  type ArgumentNode,
  type FieldNode,
  type GraphQLCompositeType,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
  astFromValue,
  getNamedType,
  isCompositeType,
  isObjectType,
  Kind,
  print,
} from "graphql";
import { type Accepted, below, collect, rootType } from "./oracle";

/** Undefined for abstract types and introspection. */
export function twin(of: Accepted): string | undefined {
  const set = merged(of, rootType(of), [of.operation.selectionSet]);
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
    const definition = type.getFields()[first.name.value];
    if (!definition && first.name.value !== "__typename") {
      return undefined;
    }
    const next = definition && getNamedType(definition.type);
    const args = (first.arguments ?? []).flatMap((argument): ArgumentNode[] => {
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
