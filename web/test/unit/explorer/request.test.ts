import { expect, test } from "vitest";
import { mapVariables } from "../../../src/explorer/data/request";
import { DEFAULT_VIEW, type View } from "../../../src/explorer/view";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const map = { area: { west: 0, south: 52, east: 1, north: 53 }, zoom: 12, resolution: 9 };
const variables = (change: Partial<View>, zoom = 12) => mapVariables({ ...DEFAULT_VIEW, ...change }, { ...map, zoom }, NOW);

test("the range is the last hours, two times, or a step", () => {
  expect(variables({}).measuredAt).toEqual({ from: "2026-04-30T12:00:00.000Z", to: "2026-05-01T12:00:00.000Z" });
  const range = { kind: "between", from: "2026-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z" } as const;
  expect(variables({ range })).toMatchObject({ measuredAt: { from: range.from, to: range.to }, at: range.to });
  const at = "2026-05-01T06:00:00.000Z";
  expect(variables({ at })).toMatchObject({ measuredAt: { from: "2026-05-01T05:30:00.000Z", to: at }, at });
});

test("only the groups that the layer needs are selected", () => {
  const flags = ({ withIndex, withWeather, withAmbient }: ReturnType<typeof variables>) => [withIndex, withWeather, withAmbient];
  expect(flags(variables({}))).toEqual([false, false, false]);
  expect(flags(variables({ layer: { kind: "quantity", quantity: "HUMIDITY" } }))).toEqual([false, true, false]);
  expect(flags(variables({ layer: { kind: "quantity", quantity: "NO2" } }))).toEqual([false, false, true]);
  expect(flags(variables({ layer: { kind: "index", scale: "US_EPA" } }))).toEqual([true, false, false]);
});

test("the latest value is searched only for quantities that samples may lack, and for fewer devices", () => {
  expect(variables({})).toMatchObject({ latestOf: null, maxDevices: 500 });
  expect(variables({ layer: { kind: "quantity", quantity: "CO2" } })).toMatchObject({ latestOf: "CO2", maxDevices: 100 });
});

test("trips are requested near the ground, of the last day, with more points when they are longer", () => {
  const week = { kind: "recent", hours: 168 } as const;
  expect(variables({ range: week })).toMatchObject({
    withTrips: true,
    tripSpan: { from: "2026-04-30T12:00:00.000Z", to: "2026-05-01T12:00:00.000Z" },
  });
  expect(variables({ at: "2026-05-01T06:00:00.000Z" }).tripSpan).toMatchObject({ from: "2026-05-01T05:30:00.000Z" });
  expect(variables({}, 8).withTrips).toBe(false);
  expect(variables({ trips: false }).withTrips).toBe(false);
  expect([10, 12, 15].map((zoom) => variables({}, zoom).tripPoints)).toEqual([30, 60, 120]);
});

const hours = (change: Partial<View>, resolution: number) => {
  const found = mapVariables({ ...DEFAULT_VIEW, ...change }, { ...map, resolution }, NOW);
  const { from, to } = found.measuredAt;
  return [(Date.parse(to!) - Date.parse(from!)) / 3_600_000, found.resolution];
};

test("what is read from each measurement is limited in time", () => {
  const humidity = { kind: "quantity", quantity: "HUMIDITY" } as const;
  const month = { kind: "recent", hours: 720 } as const;
  expect(hours({ range: month }, 9)).toEqual([720, 9]);
  expect(hours({ range: month }, 11)).toEqual([720, 9]);
  expect(hours({ range: { kind: "recent", hours: 6 } }, 11)).toEqual([6, 11]);
  expect(hours({ layer: humidity }, 9)).toEqual([12, 9]);
  expect(hours({ layer: humidity, range: month, at: "2026-04-20T12:00:00.000Z" }, 8)).toEqual([12, 8]);
});

test("the past has no latest values to search", () => {
  const layer = { kind: "quantity", quantity: "CO2" } as const;
  expect(variables({ layer, at: "2026-05-01T06:00:00.000Z" })).toMatchObject({ latestOf: null, maxDevices: 500 });
});
