import { expect, test } from "vitest";
import {
  formatAge,
  formatDistance,
  formatDuration,
  formatHours,
  formatNumber,
  formatShare,
  formatTime,
  formatValueWithUnit,
} from "../../src/shared/format";

test("numbers have the decimals of their quantity, and none from 100 on", () => {
  expect(formatNumber(12.345)).toBe("12.3");
  expect(formatNumber(123.45)).toBe("123");
  expect(formatNumber(-3.27)).toBe("−3.3");
  expect(formatNumber(-0.01)).toBe("0.0");
  expect(formatNumber(1_234_567, 0)).toBe("1\u202f234\u202f567");
});

test("values have their unit", () => {
  expect(formatValueWithUnit(12.34, "PM2_5")).toBe("12.3\u202fµg/m³");
  expect(formatValueWithUnit(270, "WIND_DIRECTION")).toBe("270°");
  expect(formatValueWithUnit(101, "VOC_INDEX")).toBe("101");
  expect(formatValueWithUnit(null, "PM10")).toBe("no value");
});

test("a share is 100 % only when complete", () => {
  expect(formatShare(0.999)).toBe("99\u202f%");
  expect(formatShare(1)).toBe("100\u202f%");
  expect(formatShare(0.824)).toBe("82\u202f%");
});

test.each([
  [0, "just now"],
  [59, "just now"],
  [60, "1 min ago"],
  [3599, "59 min ago"],
  [7200, "2 h ago"],
  [47 * 3600, "47 h ago"],
  [49 * 3600, "2 days ago"],
  [800 * 86_400, "2 years ago"],
  [-3600, "in the future"],
])("an age of %d s is '%s'", (seconds, text) => {
  const now = Date.UTC(2026, 4, 1);
  expect(formatAge(now - seconds * 1000, now)).toBe(text);
});

test("durations and distances are in their largest unit", () => {
  expect(formatDuration(45)).toBe("45 s");
  expect(formatDuration(754)).toBe("12 min");
  expect(formatDistance(849.6)).toBe("850\u202fm");
  expect(formatDistance(12_345)).toBe("12.3\u202fkm");
  expect([0.25, 1, 24, 168].map(formatHours)).toEqual(["15 minutes", "1 hour", "24 hours", "7 days"]);
});

test("times have a year when it is not the current one", () => {
  const now = Date.UTC(2026, 10, 29);
  expect(formatTime("2026-11-28T14:05:00Z", now, "UTC")).toBe("28 Nov, 14:05");
  expect(formatTime("2025-11-28T14:05:00Z", now, "UTC")).toBe("28 Nov 2025, 14:05");
});
