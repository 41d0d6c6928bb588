import { Kind, type OperationDefinitionNode, parse } from "graphql";

/**
 * The operation of `query` to run: the named one, or the only one.
 *
 * GraphiQL notices a change of tab or text only after a pause; until then it still
 * names the operation that was there before.
 */
export function operationOf(
  query: string,
  name: string | null | undefined,
): OperationDefinitionNode | undefined {
  let operations: OperationDefinitionNode[];
  try {
    operations = parse(query).definitions.filter(
      (definition) => definition.kind === Kind.OPERATION_DEFINITION,
    );
  } catch {
    return undefined; // the server reports the syntax error
  }
  const named = operations.find((operation) => operation.name?.value === name);
  return named ?? (operations.length === 1 ? operations[0] : undefined);
}
