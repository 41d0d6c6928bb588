import { expect, test } from "vitest";
import { cellsOf, type ContentOptions, devicesOf, MIN_VALUES, tripsOf } from "../../../src/explorer/data/content";
import { withMeasurements } from "../../../src/explorer/data/merge";
import { boundsOf } from "../../../src/explorer/data/useExtent";
import { fittingResolution } from "../../../src/explorer/data/useMapData";
import { colouringOf } from "../../../src/explorer/legend/colouring";
import { deviceFeatures, tripFeatures } from "../../../src/explorer/map/features";
import { nearestPoint } from "../../../src/explorer/map/nearest";
import { select } from "../../../src/explorer/selection";
import { rowsOf } from "../../../src/explorer/table/rows";
import { MAX_SUBJECTS, type Layer, type Subject } from "../../../src/explorer/view";
import type { MapQuery } from "../../../src/graphql/generated/explorer";

const layer: Layer = { kind: "quantity", quantity: "PM2_5" };
const colouring = colouringOf(layer, [5, 10, 20]);
const NOW = Date.parse("2026-05-01T12:00:00Z");

const cell = (index: string, mean: number | null, count = 100): MapQuery["cells"][number] => ({
  index,
  boundary: [
    { longitude: 179.9, latitude: 1 },
    { longitude: -179.9, latitude: 1 },
    { longitude: 179.9, latitude: 2 },
  ],
  count,
  coverage: 0.5,
  quantity: { count, mean },
});

const latest = (measuredAt: string, pm25: number | null) => ({
  measuredAt,
  latitude: 52,
  longitude: 0,
  pm1: null,
  pm25,
  pm4: null,
  pm10: null,
});

const point = (longitude: number, pm25: number | null) => ({
  measuredAt: "2026-05-01T11:00:00Z",
  latitude: 52,
  longitude,
  pm25,
  pm10: null,
});

const data: MapQuery = {
  feedCursor: "1",
  anyDevice: { nodes: [] },
  cells: [cell("a", 7), cell("b", 25, MIN_VALUES - 1), cell("c", null, 0)],
  devices: {
    pageInfo: { hasNextPage: false },
    nodes: [
      { key: "old", name: null, kind: "MOBILE", latitude: null, longitude: null, latest: latest("2026-05-01T01:00:00Z", 3) },
      { key: "station", name: "Station", kind: "FIXED", latitude: 52, longitude: 1, latest: latest("2026-05-01T11:59:00Z", 12) },
      { key: "nowhere", name: null, kind: "MOBILE", latitude: null, longitude: null, latest: null },
    ],
  },
  mobile: {
    pageInfo: { hasNextPage: false },
    nodes: [
      {
        key: "old",
        name: null,
        trips: {
          pageInfo: { hasNextPage: false },
          nodes: [
            {
              id: "trip",
              start: "2026-05-01T11:00:00Z",
              end: "2026-05-01T11:30:00Z",
              distance: 1000,
              pm25: { mean: 8 },
              pm10: null,
              points: [point(0, 6), point(0.1, 7), point(0.2, 30), point(0.3, null)],
            },
          ],
        },
      },
    ],
  },
};
const options = { layer, colouring, classes: null, historic: false };
const contentOf = (answer: MapQuery, of: ContentOptions) => ({
  cells: cellsOf(answer.cells, of),
  devices: devicesOf(answer.devices.nodes, of),
  trips: tripsOf(answer.mobile, of),
});
const content = contentOf(data, options);

test("cells of few values are marked, and all items have their class", () => {
  expect(content.cells.map(({ few, classIndex }) => [few, classIndex])).toEqual([
    [false, 1],
    [true, 3],
    [true, null],
  ]);
  expect(content.devices.map(({ name, value, classIndex }) => [name, value, classIndex])).toEqual([
    ["old", 3, 0],
    ["Station", 12, 2],
  ]);
});

test("a cell across the antimeridian is one polygon", () => {
  const longitudes = content.cells[0]!.ring.map(([longitude]) => longitude);
  expect(Math.max(...longitudes) - Math.min(...longitudes)).toBeLessThan(1);
});

test("selected classes leave out other items", () => {
  const filtered = contentOf(data, { ...options, classes: [3] });
  expect(filtered.cells.map(({ name }) => name)).toHaveLength(1);
  expect(filtered.devices).toEqual([]);
  expect(filtered.trips).toHaveLength(1);
});

test("devices have no latest value in a time of the past", () => {
  expect(contentOf(data, { ...options, historic: true }).devices.map(({ value }) => value)).toEqual([null, null]);
});

test("trips are lines of one class each, joined to one another", () => {
  const trips = tripFeatures(content.trips, colouring);
  const devices = deviceFeatures(content.devices, layer, colouring, NOW);
  expect(trips.features.map(({ geometry }) => geometry.coordinates.length)).toEqual([2, 2, 2]);
  expect(new Set(trips.features.map(({ properties }) => properties?.["colour"])).size).toBe(3);
  expect(devices.features.map(({ properties }) => properties?.["icon"])).toEqual([
    expect.stringMatching(/^badge mobile .* stale$/),
    expect.stringMatching(/^badge fixed .* current$/),
  ]);
});

test("a live measurement replaces an older value only, and adds its device", () => {
  const device = { key: "station", name: "Station", kind: "FIXED" as const };
  const merged = withMeasurements(data, [
    { device, ...latest("2026-05-01T11:58:00Z", 99) },
    { device: { key: "new", name: null, kind: "MOBILE" }, ...latest("2026-05-01T12:00:00Z", 1) },
    { device: { key: "old", name: null, kind: "MOBILE" }, ...latest("2026-05-01T12:00:00Z", null) },
  ], "PM2_5");
  const values = contentOf(merged, options).devices.map(({ subject, value }) => [subject, value]);
  expect(values).toContainEqual([{ kind: "device", key: "station" }, 12]);
  expect(values).toContainEqual([{ kind: "device", key: "new" }, 1]);
  expect(values).toContainEqual([{ kind: "device", key: "old" }, 3]);
  const newer = withMeasurements(data, [{ device, ...latest("2026-05-01T12:01:00Z", 99) }], "PM2_5");
  expect(contentOf(newer, options).devices.map(({ value }) => value)).toContain(99);
});

test("rows are sorted by value, those without one last", () => {
  const values = (descending: boolean) => rowsOf(content, "cells", { by: "value", descending }).map(({ value }) => value);
  expect(values(true)).toEqual([25, 7, null]);
  expect(values(false)).toEqual([7, 25, null]);
});

test("a subject is chosen alone, added or removed", () => {
  const subject = (key: string): Subject => ({ kind: "device", key });
  expect(select([subject("a")], subject("b"), false)).toEqual([subject("b")]);
  expect(select([subject("a")], subject("b"), true)).toEqual([subject("a"), subject("b")]);
  expect(select([subject("a"), subject("b")], subject("a"), true)).toEqual([subject("b")]);
  const many = Array.from({ length: MAX_SUBJECTS }, (_, index) => subject(String(index)));
  expect(select(many, subject("more"), true)).toEqual(many);
});

test("the extent leaves out positions without a fix", () => {
  const node = (latitude: number | null, longitude: number | null) => ({ latitude, longitude, latest: null });
  expect(boundsOf({ devices: { nodes: [node(0, 0), node(null, null)] } })).toBeNull();
  const bounds = boundsOf({ devices: { nodes: [node(0, 0), node(52, 1), node(53, 2)] } })!;
  expect([bounds.west, bounds.south, bounds.east, bounds.north].map(Math.round)).toEqual([1, 52, 2, 53]);
});

test("the nearest point of a path is found", () => {
  const { points } = content.trips[0]!;
  expect(nearestPoint(points, { longitude: 0.19, latitude: 52.1 })?.longitude).toBe(0.2);
  expect(nearestPoint([], { longitude: 0, latitude: 0 })).toBeUndefined();
});

test("the resolution that fits is the one that the gateway suggests", () => {
  const message = "too many cells";
  expect(fittingResolution({ kind: "invalid", message, argument: "resolution", suggestedValue: 9 })).toBe(9);
  expect(fittingResolution({ kind: "invalid", message, argument: "resolution" })).toBeNull();
  expect(fittingResolution({ kind: "invalid", message, argument: "filter", suggestedValue: 9 })).toBeNull();
  expect(fittingResolution({ kind: "unreachable" })).toBeNull();
});
