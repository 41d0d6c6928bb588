// GraphQL over HTTP in both editions: the audits of the reference implementation, and errors as read by clients.
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { Client as UrqlClient, fetchExchange } from "@urql/core";
import { serverAudits } from "graphql-http";
import { GraphQLClient } from "graphql-request";
import { Environment, Network, RecordSource, Store } from "relay-runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Gateway } from "./gateway";
import { url } from "./server";

const MALFORMED = "the audit demands 400; the edition has 422 for JSON that is no well-formed request";
const INVALID = "the audit demands 400; the edition has 422 for a document or variables that cannot be executed";
const JSON_STATUS = "the audit requires 200 with application/json; the edition has the same status for every media type";

/** Audits that require the behaviour of drafts, each with the reason. */
const DIFFERING: Record<string, string> = {
  "3E3A": MALFORMED, // parameters are invalid
  "423L": MALFORMED, // missing {query} parameter
  "4760": MALFORMED, // string {variables} parameter
  "4761": MALFORMED, // number {variables} parameter
  "4762": MALFORMED, // boolean {variables} parameter
  "4763": MALFORMED, // array {variables} parameter
  "58B0": MALFORMED, // string {extensions} parameter
  "58B1": MALFORMED, // number {extensions} parameter
  "58B2": MALFORMED, // boolean {extensions} parameter
  "58B3": MALFORMED, // array {extensions} parameter
  "6C00": MALFORMED, // object {operationName} parameter
  "6C01": MALFORMED, // number {operationName} parameter
  "6C02": MALFORMED, // boolean {operationName} parameter
  "6C03": MALFORMED, // array {operationName} parameter
  "LKJ0": MALFORMED, // object {query} parameter
  "LKJ1": MALFORMED, // number {query} parameter
  "LKJ2": MALFORMED, // boolean {query} parameter
  "LKJ3": MALFORMED, // array {query} parameter
  "572B": JSON_STATUS, // SHOULD use 200 status code on document parsing failure when accepting application/json
  "7B9B": JSON_STATUS, // SHOULD use a status code of 200 on variable coercion failure when accepting application/json
  "86EE": INVALID, // SHOULD use a status code of 400 on variable coercion failure when accepting application/graphql-response+json
  "FDE2": JSON_STATUS, // SHOULD use 200 status code on document validation failure when accepting application/json
};

let legacy: Gateway;

beforeAll(async () => {
  legacy = await Gateway.start({ AIRGRAPH_GRAPHQL_HTTP: "legacy" });
});

afterAll(() => legacy.remove());

const editions = [
  ["2026", () => url],
  ["legacy", () => legacy.url],
] as const;

describe.each(editions)("edition %s", (edition, base) => {
  const audits = serverAudits({ url: () => `${base()}/graphql` });

  test("the number of audits is unchanged", () => {
    expect(audits).toHaveLength(61);
  });

  test.each(audits.map((audit) => [`${audit.id} ${audit.name}`, audit] as const))("%s", async (_name, audit) => {
    const result = await audit.fn();
    const reason = result.status === "ok" ? "" : `${result.reason}: ${await result.response.text()}`;
    if (edition === "2026" && audit.id in DIFFERING) {
      expect(reason, DIFFERING[audit.id]).toMatch(/status code is not (200|400)/);
    } else {
      expect([result.status, reason]).toEqual(["ok", ""]);
    }
  });

  describe.each([
    ["a document that cannot be parsed", "{ devices {", "expected"],
    ["an unknown field", "{ nonsense }", "nonsense"],
    ["an argument beyond its range", "{ devices(first: -1) { totalCount } }", "first"],
  ])("%s", (_case, query, message) => {
    test("graphql-request reads the error", async () => {
      const request = new GraphQLClient(`${base()}/graphql`).request(query);
      const error = await request.then(() => undefined, (error: unknown) => error);
      expect(error).toMatchObject({ response: { errors: [{ message: expect.stringContaining(message) }] } });
    });

    // urql and Apollo Client parse documents themselves, so that only their fetch can send a broken one.
    const fetchQuery: typeof fetch = (input, init) => fetch(input, { ...init, body: JSON.stringify({ query }) });

    test("urql reads the error", async () => {
      const client = new UrqlClient({
        url: `${base()}/graphql`,
        exchanges: [fetchExchange],
        fetch: fetchQuery,
        preferGetMethod: false,
      });
      const { error } = await client.query("{ nonsense }", {}).toPromise();
      expect(error?.graphQLErrors[0]?.message).toContain(message);
    });

    test.each([undefined, "application/json"])("Apollo Client reads the error (accept: %s)", async (accept) => {
      const headers = accept === undefined ? {} : { accept };
      const client = new ApolloClient({
        link: new HttpLink({ uri: `${base()}/graphql`, fetch: fetchQuery, headers }),
        cache: new InMemoryCache(),
      });
      const document = gql("{ nonsense }");
      const { error } = await client.query({ query: document, errorPolicy: "all", fetchPolicy: "no-cache" });
      expect(JSON.stringify(error) + String(error?.message)).toContain(message);
    });

    test("a fetcher of Relay reads the error", async () => {
      const network = Network.create(async ({ text }, variables) => {
        const response = await fetch(`${base()}/graphql`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ query: text, variables }),
        });
        return response.json();
      });
      const environment = new Environment({ network, store: new Store(new RecordSource()) });
      const request = { name: "Q", text: query, operationKind: "query", metadata: {}, id: null, cacheID: query };
      const result = await environment.getNetwork().execute(request as never, {}, {}).toPromise();
      expect((result as { errors: { message: string }[] }).errors[0]!.message).toContain(message);
    });
  });
});
