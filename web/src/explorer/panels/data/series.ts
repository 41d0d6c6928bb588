import type {
  ProfileGroupFragment,
  QualityFlag,
  SeriesBucketFragment,
} from "../../../graphql/generated/panels";
import { emptyPoint, type FlagCount, type Point } from "./point";

export interface FlaggedMeasurement {
  measuredAt: string;
  flags: readonly QualityFlag[];
}

/** Points of a series of statistics, in the middle of their buckets, with the flags of the measurements in them. */
export function seriesPoints(
  buckets: readonly SeriesBucketFragment[],
  flagged: readonly FlaggedMeasurement[],
  marked: readonly QualityFlag[],
  /** End of the span (RFC 3339). */
  to: string,
): Point[] {
  const points = buckets.flatMap((bucket) => {
    if (bucket.start === null || bucket.end === null) {
      return [];
    }
    const start = seconds(bucket.start);
    const end = seconds(bucket.end);
    const { quantity } = bucket;
    const point: Point = {
      ...emptyPoint((start + end) / 2, start, end),
      mean: quantity.mean,
      low: quantity.p10,
      high: quantity.p90,
      min: quantity.min,
      max: quantity.max,
      count: quantity.count,
      invalid: quantity.invalidCount,
      coverage: bucket.coverage,
    };
    return [point];
  });
  return withFlags(withoutOpenEnd(points, Date.parse(to) / 1000), flagged, marked);
}

/** Without a last bucket that has no value yet and has not ended at the end of the span: it is no gap. */
function withoutOpenEnd(points: Point[], to: number): Point[] {
  const last = points.at(-1);
  return last && last.mean === null && last.invalid === 0 && (last.end ?? 0) > to
    ? points.slice(0, -1)
    : points;
}

function withFlags(
  points: Point[],
  flagged: readonly FlaggedMeasurement[],
  marked: readonly QualityFlag[],
): Point[] {
  const counts = new Map<Point, Map<QualityFlag, number>>();
  let index = 0;
  const inOrder = flagged
    .map(({ measuredAt, flags }) => ({ time: seconds(measuredAt), flags }))
    .sort((one, other) => one.time - other.time);
  for (const { time, flags } of inOrder) {
    while (index < points.length && time >= (points[index]?.end ?? 0)) {
      index += 1;
    }
    const point = points[index];
    if (point === undefined || time < point.start) {
      continue;
    }
    const of = counts.get(point) ?? new Map<QualityFlag, number>();
    counts.set(point, of);
    for (const flag of flags.filter((flag) => marked.includes(flag))) {
      of.set(flag, (of.get(flag) ?? 0) + 1);
    }
  }
  return points.map((point) => {
    const of = counts.get(point);
    return of ? { ...point, flags: flagCounts(of) } : point;
  });
}

function flagCounts(counts: ReadonlyMap<QualityFlag, number>): FlagCount[] {
  return [...counts].map(([flag, count]) => ({ flag, count }));
}

/** Points of a profile: one for each of the groups `from` to `to`, also those without measurements. */
export function profilePoints(
  groups: readonly ProfileGroupFragment[],
  group: "hourOfDay" | "dayOfWeek",
): Point[] {
  const [from, to] = group === "hourOfDay" ? [0, 23] : [1, 7];
  const known = new Map(groups.map((item) => [item[group], item.quantity]));
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const x = from + index;
    const quantity = known.get(x);
    return quantity === undefined
      ? emptyPoint(x)
      : {
          ...emptyPoint(x),
          mean: quantity.mean,
          low: quantity.p10 ?? null,
          high: quantity.p90 ?? null,
          min: quantity.min,
          max: quantity.max,
          count: quantity.count,
        };
  });
}

export function seconds(time: string): number {
  return Date.parse(time) / 1000;
}
