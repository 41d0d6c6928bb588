// Every client gets each event once, across a restart of the gateway: with the wrapper of examples/resume.mjs, or natively
// (EventSource). The snippets of docs/resume.md are these.
import { ApolloClient, gql, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from "@urql/core";
import { EventSource } from "eventsource";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import { Environment, Network, Observable, RecordSource, Store } from "relay-runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { resumable } from "../../../examples/resume.mjs";
import { Gateway } from "./gateway";

interface Recorded {
  measurementRecorded: { measurement: { pm10: number } };
}

/** Subscribes, forwards each value, and returns a function that ends the subscription. */
type Subscribe = (query: string, event: (pm10: number) => void) => () => void;

let gateway: Gateway;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  gateway = await Gateway.start();
});

afterAll(async () => {
  ends.forEach((end) => end());
  await gateway.remove();
});

const failed = (error: unknown) => {
  throw error;
};
const value = (data: unknown) => (data as Recorded).measurementRecorded.measurement.pm10;
const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 100));

/** Number of subscriptions with a first result, which is their position. */
let positions = 0;
/** Number of those by `EventSource`. */
const began = new WeakSet<EventSource>();

/** The same client, with its first results counted. */
function counted<Client extends { subscribe: (...all: never[]) => () => void }>(client: Client): Client {
  const subscribe = (payload: unknown, sink: { next: (result: unknown) => void }) => {
    let isFirst = true;
    const next = (result: unknown) => {
      sink.next(result);
      positions += Number(isFirst);
      isFirst = false;
    };
    return (client.subscribe as Function)(payload, { ...sink, next });
  };
  return { ...client, subscribe };
}

function ws() {
  return resumable(
    counted(createWsClient({
      url: `${gateway.url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: Number.POSITIVE_INFINITY,
      retryWait: soon,
      shouldRetry: () => true,
    })),
  );
}

function sse() {
  return resumable(
    counted(createSseClient({
      url: `${gateway.url}/graphql/stream`,
      retryAttempts: Number.POSITIVE_INFINITY,
      retry: soon,
    })),
  );
}

function urql(client: { subscribe: ReturnType<typeof ws>["subscribe"] }): Subscribe {
  return (query, event) => {
    const urql = new UrqlClient({
      url: `${gateway.url}/graphql`,
      exchanges: [
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: ({ query, variables }) => ({
            subscribe: (sink) => ({
              unsubscribe: client.subscribe({ query: query!, variables: variables! }, sink as never),
            }),
          }),
        }),
      ],
    });
    const { unsubscribe } = urql.subscription(query, {}).subscribe(({ data, error }) => {
      if (error) failed(error);
      event(value(data));
    });
    return unsubscribe;
  };
}

const clients: Record<string, () => Subscribe> = {
  "graphql-ws": () => (query, event) =>
    ws().subscribe({ query }, { next: ({ data }) => event(value(data)), error: failed, complete: () => {} }),

  "graphql-sse": () => (query, event) =>
    sse().subscribe({ query }, { next: ({ data }) => event(value(data)), error: failed, complete: () => {} }),

  "Apollo Client": () => (query, event) => {
    const apollo = new ApolloClient({ link: new GraphQLWsLink(ws()), cache: new InMemoryCache() });
    const events = apollo.subscribe({ query: gql(query), fetchPolicy: "no-cache" });
    const subscription = events.subscribe({
      next: ({ data, error }) => (error ? failed(error) : event(value(data))),
      error: failed,
    });
    return () => subscription.unsubscribe();
  },

  "urql by WebSocket": () => urql(ws()),
  "urql by SSE": () => urql(sse() as never),

  Relay: () => (query, event) => {
    const client = ws();
    const network = Network.create(
      () => failed(new Error("no query is sent")),
      ({ text }, variables) =>
        Observable.create((sink) => client.subscribe({ query: text!, variables }, sink as never)),
    );
    const environment = new Environment({ network, store: new Store(new RecordSource()) });
    const request = { name: "Live", text: query, operationKind: "subscription", metadata: {}, id: null, cacheID: query };
    const events = environment.getNetwork().execute(request as never, {}, {});
    const subscription = events.subscribe({
      next: (result) => event(value((result as { data: unknown }).data)),
      error: failed,
    });
    return () => subscription.unsubscribe();
  },

  EventSource: () => (query, event) => {
    const source = new EventSource(`${gateway.url}/graphql/stream?query=${encodeURIComponent(query)}`);
    source.addEventListener("position", () => {
      positions += Number(!began.has(source));
      began.add(source);
    });
    source.addEventListener("next", ({ data }) => event(value(JSON.parse(data).data)));
    return () => source.close();
  },
};

/** The values that a client received, and a function that waits for a number of them. */
function collect() {
  const values: number[] = [];
  let woken = () => {};
  return {
    values,
    event: (pm10: number) => {
      values.push(pm10);
      woken();
    },
    reached: async (count: number) => {
      while (values.filter((value) => value >= 1).length < count) {
        await new Promise<void>((resolve) => (woken = resolve));
      }
    },
  };
}

/** Waits until the subscription of a client has begun, which values below 1 indicate. */
async function begun(device: string, got: ReturnType<typeof collect>[]) {
  while (got.some(({ values }) => values.length === 0)) {
    await gateway.record(device, 0.5);
    await soon();
  }
}

test("each event is received once, whatever happens to the gateway", { timeout: 120_000 }, async () => {
  const device = "resumed";
  const query = `subscription { measurementRecorded(filter: { devices: ["${device}"] }) { measurement { pm10 } } }`;
  await gateway.record(device, 0.5);
  const got = Object.entries(clients).map(([name, client]) => {
    const collected = collect();
    ends.push(client()(query, collected.event));
    return { name, ...collected };
  });
  await begun(device, got);
  const reached = (count: number) => Promise.all(got.map(({ reached }) => reached(count)));
  await gateway.record(device, 1);
  await gateway.record(device, 2);
  await reached(2);

  await gateway.stop();
  await gateway.recordOffline(device, 3);
  await gateway.start();
  await gateway.record(device, 4);
  await reached(4);

  await gateway.stop("SIGKILL");
  await gateway.start();
  await gateway.record(device, 5);
  await reached(5);
  await gateway.record(device, 6);
  await reached(6);
  for (const { name, values } of got) {
    expect([name, values.filter((value) => value >= 1)]).toEqual([name, [1, 2, 3, 4, 5, 6]]);
  }
});

test("events before the first one that is received are not lost", { timeout: 120_000 }, async () => {
  const device = "silent";
  await gateway.record("other", 1);
  await gateway.record(device, 0.5);
  const query = `subscription { measurementRecorded(filter: { devices: ["${device}"], pm10: { min: 1 } }) { measurement { pm10 } } }`;
  const names = Object.keys(clients);
  const before = positions;
  const got = names.map((name) => {
    const collected = collect();
    ends.push(clients[name]!()(query, collected.event));
    return { name, ...collected };
  });
  await expect.poll(() => positions, { timeout: 20_000 }).toBe(before + names.length);
  await gateway.stop();
  await gateway.recordOffline(device, 1);
  await gateway.start();
  await Promise.all(got.map(({ reached }) => reached(1)));
  for (const { name, values } of got) {
    expect([name, values]).toEqual([name, [1]]);
  }
});
