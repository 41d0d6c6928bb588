// Stock clients: a query, a mutation, and the errors of both. Their subscriptions are in resume.test.ts.
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { Client as UrqlClient, fetchExchange } from "@urql/core";
import { GraphQLClient } from "graphql-request";
import { createClient as createSseClient } from "graphql-sse";
import { type Client as WsClient, createClient as createWsClient } from "graphql-ws";
import { commitMutation, type ConcreteRequest, fetchQuery, type PayloadError, type Variables } from "relay-runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { aDevice, keyed, url } from "../server";
import { compile, environment } from "./relay";

/** Relay's compiler requires names that begin with that of their module. */
const OPERATIONS = {
  operationsDeviceQuery: "query operationsDeviceQuery($key: String!) { device(key: $key) { key kind } }",
  operationsPageQuery: "query operationsPageQuery($first: Int) { devices(first: $first) { totalCount } }",
  operationsRecordMutation: `mutation operationsRecordMutation($input: RecordMeasurementsInput!) {
    recordMeasurements(input: $input) { recorded } }`,
};
type Name = keyof typeof OPERATIONS;

interface Outcome {
  data?: unknown;
  /** The client's errors as text. */
  error?: string;
}

/** Sends an operation with these headers. */
type Send = (name: Name, variables: Variables, headers: Record<string, string>) => Promise<Outcome>;

const isMutation = (name: Name) => name.endsWith("Mutation");
const describeError = (error: unknown) => `${String(error)} ${JSON.stringify(error)}`;
let artifacts: Record<string, ConcreteRequest>;
const sockets: WsClient[] = [];

beforeAll(async () => {
  artifacts = await compile(OPERATIONS);
});

afterAll(() => Promise.all(sockets.map((socket) => socket.dispose())));

async function last(results: AsyncIterable<{ data?: unknown; errors?: unknown }>): Promise<Outcome> {
  try {
    for await (const { data, errors } of results) {
      return errors === undefined ? { data } : { data, error: describeError(errors) };
    }
    return {};
  } catch (error) {
    return { error: describeError(error) };
  }
}

const clients: Record<string, Send> = {
  "Apollo Client": async (name, variables, headers) => {
    const client = new ApolloClient({ link: new HttpLink({ uri: `${url}/graphql`, headers }), cache: new InMemoryCache() });
    const document = gql(OPERATIONS[name]);
    const options = { variables, errorPolicy: "all" } as const;
    const sent = isMutation(name) ? client.mutate({ mutation: document, ...options }) : client.query({ query: document, ...options });
    const { data, error } = await sent;
    return error ? { data, error: describeError(error) } : { data };
  },

  urql: async (name, variables, headers) => {
    const client = new UrqlClient({
      url: `${url}/graphql`,
      exchanges: [fetchExchange],
      fetchOptions: { headers },
      preferGetMethod: "within-url-limit",
    });
    const sent = isMutation(name) ? client.mutation(OPERATIONS[name], variables) : client.query(OPERATIONS[name], variables);
    const { data, error } = await sent.toPromise();
    return error ? { data, error: describeError(error.graphQLErrors) } : { data };
  },

  "graphql-request": (name, variables, headers) =>
    new GraphQLClient(`${url}/graphql`, { headers }).request(OPERATIONS[name], variables).then(
      (data) => ({ data }),
      (error: unknown) => ({ error: describeError(error) }),
    ),

  Relay: async (name, variables, headers) => {
    const relay = environment(url, headers);
    if (!isMutation(name)) {
      return fetchQuery(relay, artifacts[name]!, variables).toPromise().then(
        (data) => ({ data }),
        (error: unknown) => ({ error: describeError(error) }),
      );
    }
    return new Promise((resolve) => {
      commitMutation(relay, {
        mutation: artifacts[name]!,
        variables,
        onCompleted: (data: unknown, errors: readonly PayloadError[] | null | undefined) =>
          resolve(errors ? { data, error: describeError(errors) } : { data }),
        onError: (error: Error) => resolve({ error: describeError(error) }),
      });
    });
  },

  "graphql-ws": (name, variables, headers) => {
    const client = createWsClient({
      url: `${url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: headers,
    });
    sockets.push(client);
    return last(client.iterate({ query: OPERATIONS[name], variables }));
  },

  "graphql-sse": (name, variables, headers) =>
    last(createSseClient({ url: `${url}/graphql/stream`, headers }).iterate({ query: OPERATIONS[name], variables })),
};

describe.each(Object.entries(clients))("%s", (_name, send) => {
  test("mutates, and queries what it stored", async () => {
    const device = aDevice();
    const input = { measurements: [{ device, measuredAt: "2026-05-01T10:00:00Z", pm10: 1 }] };
    const recorded = await send("operationsRecordMutation", { input }, keyed);
    expect(recorded).toMatchObject({ data: { recordMeasurements: { recorded: 1 } } });
    expect(recorded.error).toBeUndefined();
    const { data, error } = await send("operationsDeviceQuery", { key: device }, {});
    expect([data, error]).toEqual([{ device: expect.objectContaining({ key: device, kind: "MOBILE" }) }, undefined]);
  });

  test.each([
    ["a variable of another type", "operationsPageQuery", { first: "many" }, ["$first: expected an Int", "BAD_USER_INPUT"]],
    ["a value beyond its range", "operationsPageQuery", { first: -1 }, ["first: "]],
    ["a mutation without a key", "operationsRecordMutation", { input: { measurements: [] } }, ["key"]],
  ] as const)("shows the error of %s", async (_case, name, variables, parts) => {
    const { error } = await send(name, variables, {});
    for (const part of parts) {
      expect(error).toContain(part);
    }
  });
});
