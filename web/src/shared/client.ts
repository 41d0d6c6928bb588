import { type Client, createClient, fetchExchange } from "@urql/core";
import { authorization } from "../apiKey";
import type { Endpoint } from "../endpoint";
import { createRetryingFetch } from "./retryingFetch";

/**
 * The urql client of a page, for queries and mutations. It keeps no cache: the gateway's answers say how long a browser may
 * keep them. Documents are sent unchanged, so that they run as trusted documents.
 */
export function createGatewayClient(endpoint: Endpoint, key: string): Client {
  return createClient({
    url: endpoint.http,
    exchanges: [fetchExchange],
    preferGetMethod: false,
    fetch: createRetryingFetch((input, init) => fetch(input, init)),
    fetchOptions: () => ({
      headers: {
        accept: "application/graphql-response+json, application/json;q=0.9",
        ...authorization(key),
      },
    }),
  });
}
