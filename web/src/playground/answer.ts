import type { ExecutionResult } from "graphql";

/** A client-side error as a GraphQL response, so that the response pane displays it. */
export function failure(message: string): ExecutionResult {
  return { errors: [{ message } as never] };
}

/** Maximum length of a plain-text response in the error message, in characters. */
const MAX_EXCERPT = 300;

/**
 * The JSON of `response` with any status: GraphQL errors also have 4xx and 5xx.
 * Other bodies (a proxy's HTML, an empty body) become one readable error.
 */
export async function readAnswer(response: Response): Promise<ExecutionResult> {
  const text = await response.text();
  try {
    return JSON.parse(text) as ExecutionResult;
  } catch {
    return failure(describeNonJson(response, text));
  }
}

function describeNonJson(response: Response, text: string): string {
  const status = `${response.status} ${response.statusText}`.trim();
  const type = response.headers.get("content-type")?.split(";")[0]?.trim();
  if (text.trim() === "") {
    return `The server answered ${status} with nothing in it.`;
  }
  if (type === "text/plain") {
    return `The server answered ${status}: ${text.trim().slice(0, MAX_EXCERPT)}`;
  }
  return (
    `The server answered ${status} with ${type ?? "something unnamed"} instead of JSON. ` +
    "Something other than airgraph, such as a proxy, may be answering at this address."
  );
}
