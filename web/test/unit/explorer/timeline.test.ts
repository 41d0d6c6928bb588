import { expect, test } from "vitest";
import { spanLabel } from "../../../src/explorer/time/labels";
import { stepEnds, stepIndex, stepLength, stepSpan } from "../../../src/explorer/time/timeline";
import { spanOf } from "../../../src/explorer/view";

const NOW = Date.parse("2026-11-29T16:38:00Z");
const HOUR = 3_600_000;

test.each([
  [1, HOUR / 60],
  [24, HOUR / 2],
  [168, 3 * HOUR],
  [720, 12 * HOUR],
  [8760, 7 * 24 * HOUR],
])("a range of %d hours has at most 60 steps that cover it", (hours, length) => {
  const span = spanOf({ kind: "recent", hours }, NOW);
  const ends = stepEnds(span);
  expect(stepLength(span)).toBe(length);
  expect(ends.length).toBeLessThanOrEqual(61);
  expect(Date.parse(stepSpan(span, ends[0]!).from)).toBeLessThanOrEqual(Date.parse(span.from));
  expect(Date.parse(ends.at(-1)!)).toBeGreaterThanOrEqual(Date.parse(span.to));
});

test("steps follow one another without gap", () => {
  const span = spanOf({ kind: "recent", hours: 24 }, NOW);
  const ends = stepEnds(span);
  for (const [index, end] of ends.entries()) {
    expect(stepIndex(ends, end)).toBe(index);
    expect(stepSpan(span, end).to).toBe(end);
    expect(index === 0 || stepSpan(span, end).from === ends[index - 1]).toBe(true);
  }
  expect(stepIndex(ends, "2030-01-01T00:00:00Z")).toBe(-1);
});

test("spans are short texts", () => {
  const day = new Date(2026, 10, 28).getTime();
  const span = (from: number, to: number) => ({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
  expect(spanLabel(span(day + 14 * HOUR, day + 15 * HOUR), NOW)).toBe("28 Nov, 14:00–15:00");
  expect(spanLabel(span(day, day + 24 * HOUR), NOW)).toBe("28 Nov");
  expect(spanLabel(span(day - 24 * HOUR, day + 24 * HOUR), NOW)).toBe("27 Nov – 28 Nov");
  expect(spanLabel(span(day + 23 * HOUR, day + 25 * HOUR), NOW)).toBe("28 Nov, 23:00 – 29 Nov, 01:00");
});
