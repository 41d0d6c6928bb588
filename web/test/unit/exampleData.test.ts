import { afterEach, expect, test, vi } from "vitest";
import { trustedDocuments } from "../../build/trustedDocuments";
import { exampleDataFrom, fetchExampleData, placeholders } from "../../src/playground/exampleData";

const now = new Date("2026-11-29T10:20:30Z");

afterEach(() => vi.unstubAllGlobals());

const fixed = {
  key: "station-1",
  latitude: 48.20821,
  longitude: 16.37382,
  latest: { measuredAt: "2026-05-03T09:58:00Z", pm25: 7.4 },
};
const mobile = {
  key: "bike-1",
  latest: { measuredAt: "2026-05-02T17:05:00Z", latitude: 48.21234, longitude: 16.4, pm25: 9 },
};
const oldest = { nodes: [{ measuredAt: "2026-05-02T20:30:00Z" }] };

test("examples use the devices and times that are there", () => {
  const data = exampleDataFrom(
    // The device that was seen last has no PM2.5.
    { fixed: { nodes: [{ ...fixed, key: "clock", latest: null }, fixed] }, mobile: { nodes: [mobile] }, oldest: { nodes: [{ measuredAt: "2026-05-01T00:00:00Z" }] } },
    now,
  );
  expect(data).toEqual({
    fixed: { key: "station-1", from: "2026-05-02T10:00:00Z", to: "2026-05-03T10:00:00Z" },
    mobile: {
      key: "bike-1",
      from: "2026-05-01T18:00:00Z",
      to: "2026-05-02T18:00:00Z",
      latitude: 48.212,
      longitude: 16.4,
    },
    limit: 7,
  });
});

test("the span does not begin before the first data", () => {
  const data = exampleDataFrom({ fixed: { nodes: [fixed] }, mobile: { nodes: [] }, oldest }, now);
  expect(data.fixed.from).toBe("2026-05-02T20:00:00Z");
});

test("a database with one kind of devices uses it for all examples", () => {
  const stations = exampleDataFrom({ fixed: { nodes: [fixed] }, mobile: { nodes: [] }, oldest }, now);
  expect(stations.mobile).toMatchObject({ key: "station-1", latitude: 48.208, longitude: 16.374 });
  const bikes = exampleDataFrom({ fixed: { nodes: [] }, mobile: { nodes: [mobile] }, oldest }, now);
  expect(bikes.fixed).toMatchObject({ key: "bike-1", to: "2026-05-02T18:00:00Z" });
});

test("an empty database leaves placeholders", () => {
  const empty = { fixed: { nodes: [] }, mobile: { nodes: [{ key: "new", latest: null }] }, oldest: { nodes: [] } };
  expect(exampleDataFrom(empty, now)).toEqual(placeholders(now));
  expect(placeholders(now).fixed).toEqual({
    key: "balcony",
    from: "2026-11-28T11:00:00Z",
    to: "2026-11-29T11:00:00Z",
  });
});

test.each([
  ["unreachable", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["a proxy's page", async () => new Response("<html>")],
  ["a refusal", async () => Response.json({ errors: [{ message: "no key" }] }, { status: 401 })],
])("without an answer the examples have placeholders: %s", async (_, answer) => {
  vi.stubGlobal("fetch", answer);
  expect((await fetchExampleData("http://air.test/graphql", "")).fixed.key).toBe("balcony");
});

test("the request for the data is a trusted document", async () => {
  let body = "";
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    body = String(init.body);
    return Response.json({ data: null });
  });
  await fetchExampleData("http://air.test/graphql", "");
  expect(Object.values(await trustedDocuments())).toContain((JSON.parse(body) as { query: string }).query);
});
