import type { QualityFlag, Quantity, ReadingsFragment } from "../../../graphql/generated/panels";
import { emptyPoint, type Point } from "./point";
import { readingOf } from "../../data/reading";
import { seconds } from "./series";

export interface TripSample extends ReadingsFragment {
  measuredAt: string;
  latitude: number | null;
  longitude: number | null;
  flags: readonly QualityFlag[];
}

/** Shortest pause between samples that is drawn as a gap, in seconds. */
const MIN_GAP = 60;
/** A pause this many times as long as the usual distance of samples is a gap. */
const GAP_FACTOR = 5;

/**
 * Points of the samples of a trip. A sample flagged `OUT_OF_RANGE` does not say which of its values is out of range: none
 * is drawn.
 */
export function tripPoints(
  samples: readonly TripSample[],
  quantity: Quantity,
  marked: readonly QualityFlag[],
): Point[] {
  const points = samples.map((sample): Point => {
    const time = seconds(sample.measuredAt);
    const outOfRange = sample.flags.includes("OUT_OF_RANGE");
    const value = outOfRange ? null : readingOf(sample, quantity);
    return {
      ...emptyPoint(time),
      mean: value,
      count: value === null ? 0 : 1,
      invalid: outOfRange ? 1 : 0,
      flags: sample.flags
        .filter((flag) => marked.includes(flag))
        .map((flag) => ({ flag, count: 1 })),
      ...(sample.latitude !== null &&
        sample.longitude !== null &&
        !sample.flags.includes("NULL_ISLAND") && {
          latitude: sample.latitude,
          longitude: sample.longitude,
        }),
    };
  });
  return withGaps(points);
}

/** Adds a point without a value in the middle of each long pause, so that the line is interrupted there. */
export function withGaps(points: readonly Point[]): Point[] {
  const steps = points.slice(1).map((point, index) => point.x - (points[index]?.x ?? 0));
  const usual = steps.toSorted((one, other) => one - other)[steps.length >> 1] ?? 0;
  const gap = Math.max(MIN_GAP, usual * GAP_FACTOR);
  return points.flatMap((point, index) => {
    const step = steps[index - 1] ?? 0;
    return step > gap ? [emptyPoint(point.x - step / 2), point] : [point];
  });
}
