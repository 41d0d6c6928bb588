import type { FetcherParams } from "@graphiql/toolkit";
import { afterEach, expect, test, vi } from "vitest";
import { createFetcher } from "../../src/playground/fetcher";
import { FakeSocket } from "./fakeSocket";

const endpoint = { http: "http://air.test/graphql", ws: "ws://air.test/graphql" };

afterEach(() => vi.unstubAllGlobals());

function answering(response: Response) {
  const fetch = vi.fn(async (_url: string, _init: RequestInit) => response);
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

async function send(params: FetcherParams, key = "") {
  return (await createFetcher(endpoint, () => key)(params)) as {
    data?: unknown;
    errors?: { message: string }[];
  };
}

function subscribe(key = "") {
  return createFetcher(endpoint, () => key)({
    query: "subscription { n }",
  }) as AsyncIterable<unknown>;
}

async function collect(results: AsyncIterable<unknown>) {
  const collected = [];
  for await (const result of results) {
    collected.push(result);
  }
  return collected;
}

async function messageFor(response: Response): Promise<string | undefined> {
  answering(response);
  return (await send({ query: "{ a }" })).errors?.[0]?.message;
}

test("a query is posted as JSON, without a header for a missing key", async () => {
  const fetch = answering(Response.json({ data: { a: 1 } }));
  const answer = await send({ query: "query A { a }", operationName: "A" });

  expect(answer).toEqual({ data: { a: 1 } });
  const [url, init] = fetch.mock.calls[0]!;
  expect(url).toBe(endpoint.http);
  expect(init.method).toBe("POST");
  expect(JSON.parse(init.body as string)).toEqual({ query: "query A { a }", operationName: "A" });
  expect(new Headers(init.headers).has("authorization")).toBe(false);
});

test("the current key is in the header, never in the URL", async () => {
  const fetch = vi.fn(async (_url: string, _init: RequestInit) => Response.json({ data: null }));
  vi.stubGlobal("fetch", fetch);
  let key = "first";
  const fetcher = createFetcher(endpoint, () => key);

  await fetcher({ query: "{ a }" });
  key = "second";
  await fetcher({ query: "{ a }" });

  const sent = fetch.mock.calls.map(([, init]) => new Headers(init.headers).get("authorization"));
  expect(sent).toEqual(["Bearer first", "Bearer second"]);
  expect(fetch.mock.calls.map(([url]) => url)).toEqual([endpoint.http, endpoint.http]);
});

test("a key that cannot be in a header is rejected before sending", async () => {
  const fetch = answering(Response.json({}));
  expect((await send({ query: "{ a }" }, "clé")).errors?.[0]?.message).toContain("API key");
  expect(fetch).not.toHaveBeenCalled();
});

test("GraphQL errors with a 4xx status are displayed unchanged", async () => {
  answering(Response.json({ errors: [{ message: "unknown key" }] }, { status: 401 }));
  expect(await send({ query: "{ a }" })).toEqual({ errors: [{ message: "unknown key" }] });
});

test("an unreachable server is named", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  expect((await send({ query: "{ a }" })).errors).toEqual([
    {
      message:
        "airgraph could not be reached at http://air.test/graphql. " +
        "Check that the server is running, then try again.",
    },
  ]);
});

test("a proxy's HTML page becomes one readable sentence", async () => {
  const message = await messageFor(
    new Response("<html><h1>Bad Gateway</h1></html>", {
      status: 502,
      statusText: "Bad Gateway",
      headers: { "content-type": "text/html; charset=utf-8" },
    }),
  );
  expect(message).toContain("502 Bad Gateway with text/html instead of JSON");
  expect(message).not.toContain("<");
});

test("a plain-text answer is quoted", async () => {
  const message = await messageFor(new Response("body too large\n", { status: 413 }));
  expect(message).toBe("The server answered 413: body too large");
});

test("an empty response is reported", async () => {
  expect(await messageFor(new Response(null, { status: 504 }))).toBe(
    "The server answered 504 with nothing in it.",
  );
});

test("a subscription runs over the socket, with the key in connectionParams", async () => {
  vi.stubGlobal("WebSocket", FakeSocket.serving([{ data: { n: 1 } }, { data: { n: 2 } }]));
  const fetch = answering(Response.json({}));

  expect(await collect(subscribe("secret"))).toEqual([{ data: { n: 1 } }, { data: { n: 2 } }]);
  expect(FakeSocket.last?.url).toBe(endpoint.ws);
  expect(FakeSocket.last?.protocol).toBe("graphql-transport-ws");
  expect(FakeSocket.last?.initPayload).toEqual({ authorization: "Bearer secret" });
  expect(fetch).not.toHaveBeenCalled();
});

test("the operation's name decides which operation of a document runs", async () => {
  const fetch = answering(Response.json({ data: null }));
  await send({ query: "query A { a } subscription B { b }", operationName: "A" });
  expect(fetch).toHaveBeenCalledOnce();
});

test("a name left over from another tab is corrected", async () => {
  const fetch = answering(Response.json({ data: null }));
  await send({ query: "query B { b }", operationName: "A" });
  const sent = JSON.parse(fetch.mock.calls[0]![1].body as string) as FetcherParams;
  expect(sent.operationName).toBe("B");
});

test("text that is not GraphQL is sent unchanged; the server reports the error", async () => {
  const fetch = answering(Response.json({ errors: [] }));
  await send({ query: "{ a", operationName: "A" });
  expect(JSON.parse(fetch.mock.calls[0]![1].body as string)).toEqual({
    query: "{ a",
    operationName: "A",
  });
});

test("a rejected subscription has the server's reason", async () => {
  vi.stubGlobal("WebSocket", FakeSocket.closing(4403, "Forbidden"));

  expect(await collect(subscribe())).toEqual([
    { errors: [{ message: "The server closed the subscription: Forbidden (4403)." }] },
  ]);
});

test("a broken connection is explained", async () => {
  vi.stubGlobal("WebSocket", FakeSocket.closing(1006, ""));
  const [answer] = (await collect(subscribe())) as { errors: { message: string }[] }[];
  expect(answer?.errors[0]?.message).toContain("ws://air.test/graphql was interrupted");
});

test("stopping a quiet subscription closes its socket at once", async () => {
  vi.stubGlobal("WebSocket", FakeSocket.streaming([{ data: { n: 1 } }]));
  const results = subscribe()[Symbol.asyncIterator]();

  expect((await results.next()).value).toEqual({ data: { n: 1 } });
  const pending = results.next();
  await results.return?.();

  expect((await pending).done).toBe(true);
  await vi.waitFor(() => expect(FakeSocket.last?.readyState).toBe(FakeSocket.CLOSED));
});
