import { formatDuration, formatValueWithUnit, plural } from "../../../shared/format";
import { QUANTITIES, type Quantity } from "../../../shared/quantity";
import { formatBucket } from "../data/labels";
import { gaps, type Point } from "../data/point";

/** A series in a sentence or two: its extremes, its gaps and its doubtful values. */
export function describeSeries(points: readonly Point[], quantity: Quantity): string {
  const known = points.filter((point): point is Point & { mean: number } => point.mean !== null);
  const [first] = known;
  if (first === undefined) {
    return "No data.";
  }
  const low = known.reduce((best, point) => (point.mean < best.mean ? point : best), first);
  const high = known.reduce((best, point) => (point.mean > best.mean ? point : best), first);
  const at = ({ start, end, mean }: Point) =>
    `${formatValueWithUnit(mean, quantity)} (${formatBucket(start, end)})`;
  const { label } = QUANTITIES[quantity];
  return [
    known.length === 1
      ? `${label}: ${at(first)}.`
      : `${label} is lowest at ${at(low)} and highest at ${at(high)}.`,
    describeGaps(points),
    describeFlags(points),
  ].join(" ");
}

function describeGaps(points: readonly Point[]): string {
  const runs = gaps(points);
  if (runs.length === 0) {
    return "There is no gap.";
  }
  const length = ({ first, last }: { first: number; last: number }) => {
    const from = points[first];
    const to = points[last];
    return from === undefined || to === undefined ? 0 : (to.end ?? to.x) - from.start;
  };
  const longest = formatDuration(Math.max(...runs.map(length), 0));
  return runs.length === 1
    ? `There is one gap without data, of ${longest}.`
    : `There are ${runs.length} gaps without data, the longest of ${longest}.`;
}

function describeFlags(points: readonly Point[]): string {
  const count = points.reduce(
    (sum, { flags }) => sum + flags.reduce((of, flag) => of + flag.count, 0),
    0,
  );
  return count === 0 ? "No value is flagged as doubtful." : `${plural(count, "flag")} of doubtful values.`;
}
