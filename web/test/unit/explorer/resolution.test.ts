import { expect, test } from "vitest";
import { EDGE_LENGTHS } from "../../../src/explorer/h3";
import { resolutionFor, sameCamera, snapToTiles } from "../../../src/explorer/map/resolution";
import { graticule } from "../../../src/explorer/map/graticule";

const at = (zoom: number, latitude = 52) => ({ longitude: 0, latitude, zoom });

test("cells become finer with the zoom", () => {
  const resolutions = Array.from({ length: 20 }, (_, zoom) => resolutionFor(at(zoom)));
  expect(resolutions).toEqual([...resolutions].sort((one, other) => one - other));
  expect([resolutions[0], resolutionFor(at(12)), resolutions[19]]).toEqual([0, 9, EDGE_LENGTHS.length - 1]);
});

test("an area contains the bounds, and is the same after a small movement", () => {
  const bounds = { west: 0.05, east: 0.22, south: 52.17, north: 52.24 };
  const area = snapToTiles(bounds, 12);
  expect(area.west).toBeLessThanOrEqual(bounds.west);
  expect(area.east).toBeGreaterThanOrEqual(bounds.east);
  expect(area.south).toBeLessThanOrEqual(bounds.south);
  expect(area.north).toBeGreaterThanOrEqual(bounds.north);
  const moved = { ...bounds, west: bounds.west + 0.002, east: bounds.east + 0.002 };
  expect(snapToTiles(moved, 12.4)).toEqual(area);
});

test("an area across the antimeridian has its west in the east", () => {
  const area = snapToTiles({ west: 175, east: 190, south: -20, north: -10 }, 5);
  expect(area.west).toBeGreaterThan(area.east);
  expect(area.east).toBeLessThan(-165);
});

test("the whole world is from -180 to 180 and from pole to pole", () => {
  expect(snapToTiles({ west: -300, east: 300, south: -89, north: 89 }, 0.5)).toEqual({
    west: -180,
    east: 180,
    south: -90,
    north: 90,
  });
});

test("cameras are equal up to the digits of an address", () => {
  expect(sameCamera({ ...at(12), longitude: 0.00001 }, at(12.01))).toBe(true);
  expect(sameCamera(at(12), at(12, 52.01))).toBe(false);
});

test("a graticule has a few lines with round labels", () => {
  const { features } = graticule({ west: 0.05, east: 0.22, south: 52.17, north: 52.24 });
  const labels = features.flatMap(({ properties }) => properties?.["label"] ?? []);
  expect(labels).toContain("0.10° E");
  expect(labels).toContain("52.20° N");
  expect(labels.length).toBeLessThan(20);
});
