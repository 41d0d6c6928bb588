import { expect, test } from "vitest";
import { AnswerCache } from "../../../src/explorer/data/answerCache";
import { omissionsOf } from "../../../src/explorer/data/limits";
import { mapVariables } from "../../../src/explorer/data/request";
import { DEFAULT_VIEW, type View } from "../../../src/explorer/view";
import type { MapQuery } from "../../../src/graphql/generated/explorer";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const MINUTE = 60_000;
const FINE = 11;
const map = { area: { west: 0, south: 52, east: 1, north: 53 }, zoom: 15, resolution: FINE };
const answer: MapQuery = {
  feedCursor: "1",
  anyDevice: { nodes: [] },
  cells: [],
  devices: { pageInfo: { hasNextPage: false }, nodes: [] },
};

function omissions(change: Partial<View>, data: MapQuery = answer): string[] {
  const view = { ...DEFAULT_VIEW, ...change };
  return omissionsOf(view, mapVariables(view, map, NOW), data, FINE, NOW);
}

test("each limit of a view is a sentence", () => {
  expect(omissions({ range: { kind: "recent", hours: 6 } })).toEqual([]);
  expect(omissions({})).toEqual(["Larger cells: smaller ones need a range of at most 6 hours."]);
  expect(omissions({ layer: { kind: "quantity", quantity: "NO2" } })).toContain(
    "Only the last 12 hours: for longer ranges there are hourly sums of particulate matter only.",
  );
  expect(omissions({}, { ...answer, devices: { pageInfo: { hasNextPage: true }, nodes: [] } })).toContain(
    "Only the 500 latest devices.",
  );
});

test("trips that are not drawn are named", () => {
  const trips = { pageInfo: { hasNextPage: true }, nodes: [] };
  const mobile = { pageInfo: { hasNextPage: true }, nodes: [{ key: "bike", name: null, trips }] };
  expect(omissions({ range: { kind: "recent", hours: 48 } }, { ...answer, mobile }).at(-1)).toBe(
    "Trips only of the last 24 hours, of the 1 latest device.",
  );
});

test("answers about the past are used again for some minutes", () => {
  const cache = new AnswerCache();
  const variables = mapVariables({ ...DEFAULT_VIEW, at: "2026-05-01T06:00:00.000Z" }, map, NOW);
  cache.set("past", { data: answer, variables }, NOW);
  expect(cache.get("past", NOW + MINUTE)?.variables).toEqual(variables);
  expect(cache.get("past", NOW + 6 * MINUTE)).toBeUndefined();
  cache.set("now", { data: answer, variables: mapVariables(DEFAULT_VIEW, map, NOW) }, NOW);
  expect(cache.get("now", NOW)).toBeUndefined();
});

test("the oldest answers are dropped when there are many cells", () => {
  const cache = new AnswerCache();
  const variables = mapVariables({ ...DEFAULT_VIEW, at: "2026-05-01T06:00:00.000Z" }, map, NOW);
  const cell = { index: "a", coverage: null, boundary: [] };
  const data = { ...answer, cells: Array.from({ length: 40_000 }, () => cell) };
  for (const key of ["a", "b", "c"]) {
    cache.set(key, { data, variables }, NOW);
  }
  expect(["a", "b", "c"].map((key) => cache.get(key, NOW) !== undefined)).toEqual([false, true, true]);
});
