import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { type ExecutionResult, OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import { authorization, isSendable } from "../apiKey";
import type { Endpoint } from "../endpoint";
import { failure, readAnswer } from "./answer";
import { operationOf } from "./operation";

/**
 * GraphiQL's connection to the server: HTTP for queries and mutations, a WebSocket for
 * subscriptions. `readKey` is called for each request. The key is sent only
 * in the header and in `connectionParams`, never in a URL.
 *
 * Failures are returned as GraphQL errors, not thrown: GraphiQL prints the
 * stack of a thrown error.
 */
export function createFetcher(endpoint: Endpoint, readKey: () => string): Fetcher {
  return (request) => {
    const key = readKey();
    if (!isSendable(key)) {
      return Promise.resolve(
        failure("The API key contains characters that cannot be sent. Paste it once more."),
      );
    }
    const operation = operationOf(request.query, request.operationName);
    const params = operation
      ? { ...request, operationName: operation.name?.value ?? null }
      : request;
    return operation?.operation === OperationTypeNode.SUBSCRIPTION
      ? subscribe(endpoint, key, params)
      : post(endpoint, key, params);
  };
}

async function post(endpoint: Endpoint, key: string, params: FetcherParams) {
  let response: Response;
  try {
    response = await fetch(endpoint.http, {
      method: "POST",
      headers: {
        accept: "application/graphql-response+json, application/json;q=0.9",
        "content-type": "application/json",
        ...authorization(key),
      },
      body: JSON.stringify(params),
    });
  } catch {
    return failure(
      `airgraph could not be reached at ${endpoint.http}. ` +
        "Check that the server is running, then try again.",
    );
  }
  return readAnswer(response);
}

function subscribe(
  endpoint: Endpoint,
  key: string,
  { query, variables, operationName }: FetcherParams,
): AsyncIterable<ExecutionResult> {
  // One socket per subscription, closed with it. No silent retries: the user sees errors.
  const client = createClient({
    url: endpoint.ws,
    connectionParams: { ...authorization(key) },
    retryAttempts: 0,
  });
  const results = client.iterate({
    query,
    variables: variables ?? null,
    operationName: operationName ?? null,
  }) as AsyncGenerator<ExecutionResult, void>;
  // Not a generator around `results`: its `return` (the stop button) would wait for the next result.
  const explained = {
    next: () =>
      results.next().catch((error: unknown) => ({ done: false, value: explain(error, endpoint) })),
    return: () => results.return(),
  } as AsyncIterator<ExecutionResult>;
  return { [Symbol.asyncIterator]: () => explained };
}

/** The errors of `graphql-ws`: the server's error list, a close event, or a connection error. */
function explain(error: unknown, endpoint: Endpoint): ExecutionResult {
  if (Array.isArray(error)) {
    return { errors: error };
  }
  const { code, reason } = error as { code?: number; reason?: string };
  if (reason) {
    return failure(`The server closed the subscription: ${reason} (${code}).`);
  }
  return failure(
    `The subscription to ${endpoint.ws} was interrupted. ` +
      "Check that the server is running and that proxies let WebSockets through.",
  );
}
