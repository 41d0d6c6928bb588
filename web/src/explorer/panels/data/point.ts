import type { QualityFlag } from "../../../graphql/generated/panels";

/** One point of a chart: a bucket of time, a group of a profile, or a sample. */
export interface Point {
  /** Position on the x axis: seconds since 1970, or the number of the group. */
  x: number;
  /** Start of the bucket, or time of the sample, in seconds since 1970. */
  start: number;
  /** End of the bucket (exclusive), in seconds since 1970. Null for a sample and for a group. */
  end: number | null;
  /** Mean of the bucket, or value of the sample. Null: no valid value. */
  mean: number | null;
  /** 10th and 90th percentile. Null: no valid value, or not requested. */
  low: number | null;
  high: number | null;
  min: number | null;
  max: number | null;
  /** Number of valid values. */
  count: number;
  /** Number of values that are left out, as they are out of range. */
  invalid: number;
  /** Share of hours with data, 0 to 1. */
  coverage: number | null;
  /** Measurements with each of the flags that are marked in the chart. */
  flags: readonly FlagCount[];
  longitude?: number;
  latitude?: number;
}

export interface FlagCount {
  flag: QualityFlag;
  count: number;
}

/** A point without values, at a time. */
export function emptyPoint(x: number, start = x, end: number | null = null): Point {
  return {
    x,
    start,
    end,
    mean: null,
    low: null,
    high: null,
    min: null,
    max: null,
    count: 0,
    invalid: 0,
    coverage: null,
    flags: [],
  };
}

/** Index of the point that contains `time` (seconds since 1970), or else is nearest to it. Null without points. */
export function nearestIndex(points: readonly Pick<Point, "x">[], x: number): number | null {
  let low = 0;
  let high = points.length - 1;
  if (high < 0) {
    return null;
  }
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.x ?? 0) < x) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const after = points[low]?.x ?? 0;
  const before = points[low - 1]?.x;
  return before !== undefined && x - before <= after - x ? low - 1 : low;
}

/** Shortest run of neighbours with values that is visible as a line. */
const MIN_LINE = 3;

/** Indices of values in runs that are too short to be seen as a line. */
export function shortRunIndices(values: readonly (number | null | undefined)[]): number[] {
  const indices: number[] = [];
  let run: number[] = [];
  const end = () => {
    if (run.length < MIN_LINE) {
      indices.push(...run);
    }
    run = [];
  };
  values.forEach((value, index) => (value == null ? end() : run.push(index)));
  end();
  return indices;
}

/** Share of points with a value below which gaps are not hatched: a device that is mostly off would be all hatching. */
const MIN_SHARE_FOR_HATCHING = 0.4;

export function hasHatchedGaps(points: readonly Pick<Point, "mean">[]): boolean {
  const known = points.filter(({ mean }) => mean !== null).length;
  return known < points.length && known >= points.length * MIN_SHARE_FOR_HATCHING;
}

/** Runs of points without a value, as pairs of first and last index. */
export function gaps(points: readonly Pick<Point, "mean">[]): { first: number; last: number }[] {
  const runs: { first: number; last: number }[] = [];
  let first: number | null = null;
  points.forEach(({ mean }, index) => {
    if (mean === null) {
      first ??= index;
    } else if (first !== null) {
      runs.push({ first, last: index - 1 });
      first = null;
    }
  });
  if (first !== null) {
    runs.push({ first, last: points.length - 1 });
  }
  return runs;
}
