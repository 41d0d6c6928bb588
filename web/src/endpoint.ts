/** The gateway's URLs, relative to a page that it serves. */
export interface Endpoint {
  /** Queries and mutations: `POST` here. */
  http: string;
  /** Subscriptions: `graphql-transport-ws` here. */
  ws: string;
}

/**
 * The endpoint is a sibling of the page: `<prefix>/playground` → `<prefix>/graphql`,
 * so a reverse proxy may mount the server below any path.
 */
export function endpointFor(page: string): Endpoint {
  const http = new URL("graphql", page);
  const ws = new URL(http);
  ws.protocol = http.protocol === "https:" ? "wss:" : "ws:";
  return { http: http.href, ws: ws.href };
}
