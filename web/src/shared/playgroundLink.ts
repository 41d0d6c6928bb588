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

const PARAMETER = "request";

/** Maximum length of a fragment, in characters: a document has at most 128 KiB, in Base64 a third more. */
const MAX_FRAGMENT_LENGTH = 400_000;

/**
 * The playground with a request in a tab: `playground#request=<Base64url of {"query", "variables"} as JSON>`. The
 * fragment is not sent to the server.
 */
export function playgroundLink({ query, variables }: RequestText, page: string): string {
  const link = new URL("playground", page);
  const request = { query, variables: JSON.parse(variables) as unknown };
  link.hash = `${PARAMETER}=${encodeBase64Url(JSON.stringify(request))}`;
  return link.href;
}

/**
 * The request in the fragment of a link by `playgroundLink`: undefined when the fragment has none, "invalid" when it
 * cannot be read.
 */
export function readPlaygroundLink(fragment: string): RequestText | "invalid" | undefined {
  const prefix = `#${PARAMETER}=`;
  if (!fragment.startsWith(prefix)) {
    return undefined;
  }
  if (fragment.length > MAX_FRAGMENT_LENGTH) {
    return "invalid";
  }
  try {
    const request: unknown = JSON.parse(decodeBase64Url(fragment.slice(prefix.length)));
    if (!isObject(request) || typeof request["query"] !== "string") {
      return "invalid";
    }
    const variables = request["variables"] ?? {};
    return isObject(variables)
      ? { query: request["query"], variables: JSON.stringify(variables, null, 2) }
      : "invalid";
  } catch {
    return "invalid";
  }
}

function encodeBase64Url(text: string): string {
  const binary = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decodeBase64Url(text: string): string {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
