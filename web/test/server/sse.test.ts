// GraphQL over Server-Sent Events with the client of graphql-sse.
import { createClient, type RequestParams } from "graphql-sse";
import { expect, test } from "vitest";
import { aDevice, keyed, record, url } from "./server";

interface Recorded {
  measurementRecorded: { cursor: string; measurement: { pm10: number } };
}

const MEASUREMENTS = `subscription ($device: String!, $after: String) {
  measurementRecorded(filter: { devices: [$device] }, after: $after) { cursor measurement { pm10 } }
}`;

const connect = (headers: Record<string, string> = keyed) =>
  createClient({ url: `${url}/graphql/stream`, headers, retryAttempts: 0 });

async function results<T>(request: RequestParams, headers?: Record<string, string>): Promise<T[]> {
  const results: T[] = [];
  for await (const result of connect(headers).iterate<T>(request)) {
    expect(result.errors).toBeUndefined();
    results.push(result.data as T);
  }
  return results;
}

/** The first events of a device after a cursor. */
async function events(device: string, after: string, count: number) {
  const events: { cursor: string; pm10: number }[] = [];
  const variables = { device, after };
  for await (const { data } of connect().iterate<Recorded>({ query: MEASUREMENTS, variables })) {
    const { cursor, measurement } = data!.measurementRecorded;
    events.push({ cursor, pm10: measurement.pm10 });
    if (events.length === count) break;
  }
  return events;
}

test("a query and a mutation have one result each, and end", async () => {
  expect(await results({ query: "{ __typename }" })).toEqual([{ __typename: "Query" }]);
  const query = `mutation ($device: String!) { recordMeasurements(input: { measurements: [
    { device: $device, measuredAt: "2026-05-01T10:00:00Z", pm10: 1 }] }) { recorded } }`;
  const recorded = await results({ query, variables: { device: aDevice() } });
  expect(recorded).toEqual([{ recordMeasurements: { recorded: 1 } }]);
});

test("errors of the document are sent as an event", async () => {
  const answers = [];
  for await (const answer of connect().iterate({ query: "{ nothing }" })) {
    answers.push(answer);
  }
  expect(answers).toEqual([
    { errors: [expect.objectContaining({ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } })] },
  ]);
});

test("an invalid key is rejected by the status", async () => {
  const result = results({ query: "{ __typename }" }, { authorization: "Bearer unknown" });
  await expect(result).rejects.toMatchObject({ response: { status: 401 } });
});

test("samples are received in order, and a new stream continues after the last one", async () => {
  const device = aDevice();
  await record(device, 0);
  const [{ feedCursor }] = (await results<{ feedCursor: string }>({ query: "{ feedCursor }" })) as [
    { feedCursor: string },
  ];
  const first = events(device, feedCursor, 2);
  await record(device, 1, 2, 3);
  const received = await first;
  expect(received.map(({ pm10 }) => pm10)).toEqual([1, 2]);
  const rest = events(device, received[1]!.cursor, 2);
  await record(device, 4);
  expect((await rest).map(({ pm10 }) => pm10)).toEqual([3, 4]);
});
