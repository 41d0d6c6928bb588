import { stringifyDocument, type TypedDocumentNode } from "@urql/core";
import type { DocumentNode } from "graphql";

/** A GraphQL request as text. */
export interface RequestText {
  query: string;
  /** JSON object. */
  variables: string;
}

export function requestText(
  document: DocumentNode | TypedDocumentNode<never, never>,
  variables: object,
): RequestText {
  return { query: stringifyDocument(document), variables: JSON.stringify(variables, null, 2) };
}

/** The playground with a request in a tab. The fragment is not sent to the server, so a long request fits. */
export function playgroundLink(request: RequestText, page: string): string {
  const link = new URL("playground", page);
  link.hash = new URLSearchParams({ ...request }).toString();
  return link.href;
}

/** The request in the fragment of a link by `playgroundLink`. */
export function readPlaygroundLink(hash: string): RequestText | undefined {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const query = parameters.get("query");
  return query === null ? undefined : { query, variables: parameters.get("variables") ?? "{}" };
}

/** The request as a command for a POSIX shell. The key is not part of it. */
export function curlCommand(request: RequestText, endpoint: string, hasKey: boolean): string {
  const body = JSON.stringify({
    query: request.query,
    variables: JSON.parse(request.variables) as unknown,
  });
  return [
    `curl ${quote(endpoint)}`,
    ...(hasKey ? [`-H "Authorization: Bearer $AIRGRAPH_KEY"`] : []),
    "-H 'Content-Type: application/json'",
    `-d ${quote(body)}`,
  ].join(" \\\n  ");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
