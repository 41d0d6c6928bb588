import { beforeEach, expect, test, vi } from "vitest";
import { readConnection, reportConnection } from "../../src/shared/connection";
import { failureOf } from "../../src/shared/failure";
import { curlCommand, playgroundLink, readPlaygroundLink } from "../../src/shared/playgroundLink";
import { createRetryingFetch } from "../../src/shared/retryingFetch";

const QUERY = { method: "POST", body: JSON.stringify({ query: "query Map { feedCursor }" }) };
const MUTATION = { method: "POST", body: JSON.stringify({ query: "mutation Register { a }" }) };

/** A `fetch` with these results one after the other, and the waits between them. */
function scripted(...results: (Response | Error)[]) {
  const waits: number[] = [];
  const send = vi.fn(async () => {
    const result = results.shift() ?? new Response("{}");
    if (result instanceof Error) {
      throw result;
    }
    return result;
  });
  const delay = async (milliseconds: number) => {
    waits.push(milliseconds);
  };
  return { send, waits, fetch: createRetryingFetch(send, delay) };
}

const busy = (status: number, retryAfter?: string) =>
  new Response("{}", { status, ...(retryAfter && { headers: { "retry-after": retryAfter } }) });

beforeEach(() => reportConnection({ status: "online" }));

test("a busy gateway is requested again after Retry-After", async () => {
  const { fetch, waits } = scripted(busy(429, "7"), busy(503));
  expect((await fetch("/graphql", QUERY)).status).toBe(200);
  expect(waits).toEqual([7000, 2000]);
  expect(readConnection().status).toBe("online");
});

test("an unreachable gateway is requested again with growing waits, and for some minutes", async () => {
  const { fetch, waits, send } = scripted(...Array.from({ length: 50 }, () => new TypeError("failed")));
  await expect(fetch("/graphql", QUERY)).rejects.toThrow("failed");
  expect(waits.slice(0, 4)).toEqual([500, 1000, 2000, 4000]);
  expect(send).toHaveBeenCalledTimes(waits.length + 1);
  expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThan(10 * 60_000);
  expect(readConnection()).toMatchObject({ status: "waiting", failure: { kind: "unreachable" } });
});

test("a mutation that may have been executed is not repeated", async () => {
  const lost = scripted(new TypeError("failed"));
  await expect(lost.fetch("/graphql", MUTATION)).rejects.toThrow("failed");
  const unavailable = scripted(busy(503));
  expect((await unavailable.fetch("/graphql", MUTATION)).status).toBe(503);
  const limited = scripted(busy(429, "1"));
  expect((await limited.fetch("/graphql", MUTATION)).status).toBe(200);
});

test("an aborted request is not repeated", async () => {
  const controller = new AbortController();
  controller.abort();
  const { fetch, send } = scripted(new DOMException("aborted", "AbortError"));
  await expect(fetch("/graphql", { ...QUERY, signal: controller.signal })).rejects.toThrow("aborted");
  expect(send).toHaveBeenCalledTimes(1);
});

test.each([
  [401, "UNAUTHENTICATED", "unauthorized"],
  [429, "RATE_LIMITED", "busy"],
  [503, "UNAVAILABLE", "busy"],
  [504, "TIMEOUT", "timeout"],
  [500, "INTERNAL", "internal"],
  [422, "TOO_COMPLEX", "invalid"],
])("status %d with %s is '%s'", (status, code, kind) => {
  const response = new Response(null, { status });
  const error = { response, graphQLErrors: [{ message: "reason", extensions: { code } }], message: "reason" };
  expect(failureOf(error as never, true).kind).toBe(kind);
});

test("no response is 'unreachable'", () => {
  expect(failureOf({ graphQLErrors: [], networkError: new Error("failed") } as never, false).kind).toBe("unreachable");
});

test("a link to the playground holds query and variables", () => {
  const request = { query: 'query A {\n  a(b: "ü & #") }', variables: JSON.stringify({ c: "100 %" }, null, 2) };
  const link = new URL(playgroundLink(request, "https://air.example/city/?map=1,2,3"));
  expect(link.pathname).toBe("/city/playground");
  expect(readPlaygroundLink(link.hash)).toEqual(request);
  expect(readPlaygroundLink("")).toBeUndefined();
});

test("a curl command is quoted for a shell, without the key", () => {
  const request = { query: "query A { a(b: \"it's\") }", variables: "{}" };
  const command = curlCommand(request, "http://localhost/graphql", true);
  expect(command).toContain(`"Authorization: Bearer $AIRGRAPH_KEY"`);
  expect(command).toContain(String.raw`it'\''s`);
});
