// Series, profiles, trips and calendars: the data behind the charts.
import { describe, expect, test } from "vitest";
import { edgeLength, resolutionOf } from "../../src/explorer/h3";
import { monthsBefore, monthsOf } from "../../src/explorer/panels/calendar/months";
import { compareVariables } from "../../src/explorer/panels/compare/variables";
import { refreshInterval } from "../../src/explorer/panels/context";
import { markedFlags } from "../../src/explorer/panels/data/flags";
import { emptyPoint, gaps, hasHatchedGaps, nearestIndex, shortRunIndices } from "../../src/explorer/panels/data/point";
import { readingGroups, readingOf } from "../../src/explorer/data/reading";
import { profilePoints, seriesPoints } from "../../src/explorer/panels/data/series";
import { tripPoints, withGaps } from "../../src/explorer/panels/data/trip";
import type { Interval, QualityFlag } from "../../src/graphql/generated/panels";
import { QUANTITIES, type Quantity } from "../../src/shared/quantity";

const HOUR = 3600;
const START = Date.parse("2026-05-01T00:00:00Z") / 1000;

function bucket(hour: number, mean: number | null) {
  const time = (at: number) => new Date((START + at * HOUR) * 1000).toISOString();
  return {
    start: time(hour),
    end: time(hour + 1),
    startLocal: time(hour),
    interval: "HOUR" as Interval,
    count: mean === null ? 0 : 12,
    coverage: mean === null ? 0 : 1,
    quantity: { count: mean === null ? 0 : 12, invalidCount: 0, mean, min: mean, max: mean, p10: mean, p90: mean },
  };
}

describe("series", () => {
  const to = new Date((START + 10 * HOUR) * 1000).toISOString();

  test("a flagged measurement marks the bucket that contains it, also in any order", () => {
    const at = (minutes: number) => new Date((START + minutes * 60) * 1000).toISOString();
    const flagged = [
      { measuredAt: at(119), flags: ["SPIKE", "HIGH_HUMIDITY"] as QualityFlag[] },
      { measuredAt: at(60), flags: ["SPIKE"] as QualityFlag[] },
      { measuredAt: at(30), flags: ["OUT_OF_RANGE"] as QualityFlag[] },
    ];
    const points = seriesPoints([bucket(0, 1), bucket(1, 2), bucket(2, 3)], flagged, ["SPIKE", "OUT_OF_RANGE"], to);
    expect(points.map(({ flags }) => flags)).toEqual([
      [{ flag: "OUT_OF_RANGE", count: 1 }],
      [{ flag: "SPIKE", count: 2 }],
      [],
    ]);
    expect(points[1]?.x).toBe(START + 1.5 * HOUR);
  });

  test("an empty last bucket is a gap only when it has ended", () => {
    const buckets = [bucket(8, 1), bucket(9, null)];
    const before = (hours: number) => new Date((START + hours * HOUR) * 1000).toISOString();
    expect(seriesPoints(buckets, [], [], before(9.5))).toHaveLength(1);
    expect(seriesPoints(buckets, [], [], before(10))).toHaveLength(2);
  });

  test("a profile has every hour and every day of the week", () => {
    const group = {
      hourOfDay: 7,
      dayOfWeek: 7,
      count: 3,
      quantity: { count: 3, mean: 5, min: 1, max: 9 },
    };
    const hours = profilePoints([group], "hourOfDay");
    expect(hours.map(({ x }) => x)).toEqual(Array.from({ length: 24 }, (_, hour) => hour));
    expect(hours[7]).toMatchObject({ mean: 5, low: null, high: null, count: 3 });
    expect(profilePoints([group], "dayOfWeek").map(({ mean }) => mean)).toEqual([null, null, null, null, null, null, 5]);
  });
});

describe("points", () => {
  const values = (...means: (number | null)[]) => means.map((mean, x) => ({ ...emptyPoint(x), mean }));

  test("the nearest point is found at and between the ends", () => {
    const points = values(1, 2, 3);
    expect([-5, 0, 0.4, 0.6, 2, 9].map((x) => nearestIndex(points, x))).toEqual([0, 0, 0, 1, 2, 2]);
    expect(nearestIndex([], 1)).toBeNull();
  });

  test("gaps are runs without a value, also at the ends", () => {
    expect(gaps(values(null, 1, null, null, 2, null))).toEqual([
      { first: 0, last: 0 },
      { first: 2, last: 3 },
      { first: 5, last: 5 },
    ]);
    expect(gaps(values(1, 2))).toEqual([]);
  });

  test("runs of one or two values are drawn as dots", () => {
    expect(shortRunIndices([1, null, 1, 2, null, 1, 2, 3, null, 4])).toEqual([0, 2, 3, 9]);
  });

  test("the gaps of a device that is mostly off are not hatched", () => {
    expect(hasHatchedGaps(values(1, null, 2))).toBe(true);
    expect(hasHatchedGaps(values(1, null, null, null))).toBe(false);
    expect(hasHatchedGaps(values(1, 2))).toBe(false);
  });
});

describe("trips", () => {
  const sample = (seconds: number, pm25: number, flags: QualityFlag[] = []) => ({
    measuredAt: new Date((START + seconds) * 1000).toISOString(),
    latitude: 52.2,
    longitude: 0.1,
    flags,
    pm1: null,
    pm25,
    pm4: null,
    pm10: null,
  });

  test("a long pause interrupts the line", () => {
    const points = withGaps([0, 3, 6, 9, 200, 203].map((x) => ({ ...emptyPoint(x), mean: 1 })));
    expect(points.map(({ x, mean }) => [x, mean])).toEqual([
      [0, 1], [3, 1], [6, 1], [9, 1], [104.5, null], [200, 1], [203, 1],
    ]);
  });

  test("a sample out of range has no value, and a position without fix is no place", () => {
    const points = tripPoints([sample(0, 5), sample(3, 5000, ["OUT_OF_RANGE"]), sample(6, 6, ["NULL_ISLAND"])], "PM2_5", [
      "OUT_OF_RANGE",
    ]);
    expect(points.map(({ mean, latitude, flags }) => ({ mean, latitude, flags: flags.length }))).toEqual([
      { mean: 5, latitude: 52.2, flags: 0 },
      { mean: null, latitude: 52.2, flags: 1 },
      { mean: 6, latitude: undefined, flags: 0 },
    ]);
  });

  test("the value of every quantity is read from its group, and only that group is requested", () => {
    const groups = { weather: { temperature: 8.5 }, status: { gpsUpdated: true } };
    const measurement = { ...sample(0, 5), ...groups } as unknown as Parameters<typeof readingOf>[0];
    expect(readingOf(measurement, "PM2_5")).toBe(5);
    expect(readingOf(measurement, "TEMPERATURE")).toBe(8.5);
    expect(readingOf(measurement, "GPS_UPDATED")).toBe(1);
    expect(readingOf(measurement, "NO2")).toBeNull();
    for (const quantity of Object.keys(QUANTITIES) as Quantity[]) {
      const requested = Object.values(readingGroups(quantity)).filter(Boolean);
      expect(requested, quantity).toHaveLength(quantity.startsWith("PM") ? 0 : 1);
    }
  });
});

describe("calendar", () => {
  test("months are weeks from Monday, with the days that have data", () => {
    const day = { date: "2026-11-01", mean: 4, count: 3, coverage: 1 };
    const [october, november] = monthsOf([day], "2026-10-15", "2026-11-29");
    expect(october?.key).toBe("2026-10");
    expect(october?.weeks[0]?.map((item) => item?.date.slice(8) ?? null)).toEqual([null, null, null, "01", "02", "03", "04"]);
    expect(november?.weeks[0]?.at(-1)).toEqual(day);
    expect(november?.weeks.flat().filter((item) => item !== null)).toHaveLength(30);
  });

  test("months are counted across years, and a leap day has its place", () => {
    expect(monthsBefore("2026-02-28", 11)).toBe("2025-03-01");
    expect(monthsOf([], "2025-12-31", "2026-01-01").map(({ key }) => key)).toEqual(["2025-12", "2026-01"]);
    expect(monthsOf([], "2028-02-01", "2028-02-29")[0]?.weeks.flat().filter(Boolean)).toHaveLength(29);
  });
});

describe("requests", () => {
  const settings = {
    span: { from: "2026-05-01T00:00:00.000Z", to: "2026-05-02T00:00:00.000Z" },
    quantity: "PM2_5",
    timeZone: "UTC",
    scale: "UK_DAQI",
    indexTime: null,
  } as const;

  test("each compared subject has the filter of its slot", () => {
    const variables = compareVariables(
      [
        { kind: "device", key: "a" },
        { kind: "cell", cell: "8928308280fffff" },
        { kind: "trip", id: "t" },
      ],
      settings,
    );
    expect(variables).toMatchObject({
      every: "AUTO",
      keys: ["a"],
      trips: ["t"],
      filter1: { devices: ["a"], measuredAt: settings.span },
      filter2: { area: { cells: ["8928308280fffff"] }, measuredAt: settings.span },
      filter3: { trip: "t", measuredAt: settings.span },
      use3: true,
    });
    expect(variables).not.toHaveProperty("use4");
  });

  test("trips alone are compared whole, by minutes", () => {
    const variables = compareVariables([{ kind: "trip", id: "a" }, { kind: "trip", id: "b" }], settings);
    expect(variables).toMatchObject({ every: "MINUTE", maxBuckets: null, filter1: { trip: "a" }, filter2: { trip: "b" } });
  });

  test("a recent range moves by about a point of the chart, between one and 15 minutes", () => {
    expect([1, 24, 168, 8760].map((hours) => refreshInterval(hours) / 60_000)).toEqual([1, 6, 15, 15]);
  });

  test("flags of particulates are not marked at other quantities", () => {
    expect(markedFlags("PM10")).toContain("SPIKE");
    expect(markedFlags("TEMPERATURE")).toEqual(["OUT_OF_RANGE"]);
  });

  test("the resolution of a cell is part of its index", () => {
    expect(["8928308280fffff", "8c28308280e01ff", "80dbfffffffffff"].map(resolutionOf)).toEqual([9, 12, 0]);
    expect(edgeLength(9)).toBe(201);
  });
});
