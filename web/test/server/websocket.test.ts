// GraphQL over WebSocket with the client of graphql-ws.
import { type Client, type ClientOptions, createClient, type SubscribePayload } from "graphql-ws";
import { afterEach, expect, test } from "vitest";
import WebSocket from "ws";
import { aDevice, keyed, record, url } from "./server";

interface Recorded {
  measurementRecorded: { cursor: string; measurement: { measuredAt: string; pm10: number } };
}

const MEASUREMENTS = `subscription ($device: String!, $after: String) {
  measurementRecorded(filter: { devices: [$device] }, after: $after) {
    cursor
    measurement { measuredAt pm10 }
  }
}`;

const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
});

function connect(options: Partial<ClientOptions> = {}): Client {
  const client = createClient({
    url: `${url.replace(/^http/, "ws")}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: keyed,
    retryAttempts: 3,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
    ...options,
  });
  clients.push(client);
  return client;
}

async function results<T>(client: Client, payload: SubscribePayload): Promise<T[]> {
  const results: T[] = [];
  for await (const result of client.iterate<T>(payload)) {
    expect(result.errors).toBeUndefined();
    results.push(result.data as T);
  }
  return results;
}

/** A client's error, and its number of connections. */
async function failure(query: string, options: Partial<ClientOptions> = {}) {
  let connections = 0;
  const client = connect({ ...options, on: { ...options.on, connecting: () => connections++ } });
  const error = await results(client, { query }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { error, connections };
}

test("a query and a mutation have one result each", async () => {
  const client = connect();
  expect(await results(client, { query: "{ __typename }" })).toEqual([{ __typename: "Query" }]);
  const mutation = `mutation ($device: String!) { recordMeasurements(input: { measurements: [
    { device: $device, measuredAt: "2026-05-01T10:00:00Z", pm10: 1 }] }) { recorded } }`;
  const variables = { device: aDevice() };
  expect(await results(client, { query: mutation, variables })).toEqual([
    { recordMeasurements: { recorded: 1 } },
  ]);
});

test("many operations share a socket", async () => {
  let connections = 0;
  const client = connect({ lazy: false, on: { connected: () => connections++ } });
  const operations = Array.from({ length: 50 }, () => results(client, { query: "{ __typename }" }));
  expect((await Promise.all(operations)).flat()).toHaveLength(50);
  expect(connections).toBe(1);
});

test("errors of the document are errors, and the socket stays open", async () => {
  const client = connect({ lazy: false });
  await expect(results(client, { query: "{ nothing }" })).rejects.toEqual([
    expect.objectContaining({ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }),
  ]);
  expect(await results(client, { query: "{ __typename }" })).toHaveLength(1);
});

test("the key in connectionParams determines the permissions", async () => {
  const query = "{ server { database { name } } }";
  expect(await results(connect(), { query })).toHaveLength(1);

  const options = { connectionParams: { authorization: "Bearer nobodys" }, retryAttempts: 0 };
  const { error } = await failure(query, options);
  expect(error).toMatchObject({
    code: 4403,
    reason: "invalid API key: unknown, expired or revoked",
  });
});

test("a client that violates the protocol is disconnected with the reason and doesn't reconnect", async () => {
  const on = { connected: (socket: unknown) => (socket as WebSocket).send('{"type":"complete"}') };
  const { error, connections } = await failure("{ __typename }", { on });
  // The response may be sent before the bad message is received.
  if (error !== undefined) {
    expect(error).toMatchObject({ code: 4400, reason: "`id` is missing" });
  }
  expect(connections).toBe(1);

  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/graphql`, "graphql-transport-ws");
  const closed = new Promise((resolve) => socket.on("close", (code, reason) => resolve([code, `${reason}`])));
  socket.on("open", () => socket.send('{"type":"subscribe","id":"1","payload":{"query":"{ a }"}}'));
  expect(await closed).toEqual([4401, "Unauthorized"]);
});

test("a sample is received when it is recorded, and the subscription ends when it is stopped", async () => {
  const device = aDevice();
  await record(device, 1);
  const client = connect();
  const events = client.iterate<Recorded>({ query: MEASUREMENTS, variables: { device } });
  const first = events.next();
  // Samples recorded before the start of the subscription are not sent.
  const recording = setInterval(() => void record(device, 7), 300);
  try {
    expect((await first).value?.data?.measurementRecorded.measurement.pm10).toBe(7);
  } finally {
    clearInterval(recording);
  }
  await events.return?.();
});

test("after a lost connection no event is lost or repeated", async () => {
  const device = aDevice();
  await record(device, 0);
  const { feedCursor } = (await results<{ feedCursor: string }>(connect(), { query: "{ feedCursor }" }))[0]!;
  let connections = 0;
  const client = connect({ on: { connected: () => connections++ } });
  // The client sends the payload again when it reconnects, so its cursor is updated with each event.
  const payload = { query: MEASUREMENTS, variables: { device, after: feedCursor } };
  const values: number[] = [];
  const waiting: (() => void)[] = [];
  const stop = client.subscribe<Recorded>(payload, {
    next: ({ data }) => {
      payload.variables.after = data!.measurementRecorded.cursor;
      values.push(data!.measurementRecorded.measurement.pm10);
      waiting.splice(0).forEach((resume) => resume());
    },
    error: (error) => {
      throw error;
    },
    complete: () => {},
  });
  const waitFor = async (count: number) => {
    while (values.length < count) {
      await new Promise<void>((resume) => waiting.push(resume));
    }
  };
  await record(device, 1, 2);
  await waitFor(2);
  client.terminate();
  await record(device, 3, 4);
  await waitFor(4);
  client.terminate();
  await record(device, 5);
  await waitFor(5);
  expect(values).toEqual([1, 2, 3, 4, 5]);
  expect(connections).toBe(3);
  stop();
});
