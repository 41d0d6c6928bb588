// What a number means, as a sentence.
import { capitalise, formatShare, formatValueWithUnit, plural } from "../../../shared/format";
import { QUANTITIES, type AirQualityScale, type Quantity } from "../../../shared/quantity";
import type { QualityFlag } from "../../../graphql/generated/panels";
import { FLAGS, flagPhrase } from "../data/flags";
import { formatBucket, formatClock, formatMoment } from "../data/labels";

/** The gateway corrects no value; see docs/science.md. */
const UNCORRECTED = "Uncorrected.";

export interface Counted {
  /** Number of valid values. */
  count: number;
  /** Number of values that are left out. */
  invalid: number;
  /** Share of hours with data. Null: the span is open. */
  coverage: number | null;
}

/** Of statistics over a span. */
export function meanMeaning(counted: Counted): string {
  return join(`Of ${plural(counted.count, "value")}, each with the same weight; ${quality(counted)}.`, UNCORRECTED);
}

/** Of the points of a series. `interval` is the length of the buckets, as text. */
export function seriesMeaning(interval: string, counted: Counted): string {
  return join(
    `Mean of each ${interval.replace(/^1 /, "")}, from ${plural(counted.count, "value")}; the band is the middle 80 % of them.`,
    capitalise(`${quality(counted)}.`),
    UNCORRECTED,
  );
}

/** Of the latest value of a device. `uncertainty` is that of its time, in seconds. */
export function latestMeaning(
  time: number,
  flags: readonly QualityFlag[],
  uncertainty: number | null,
): string {
  return join(
    `One sample, taken ${formatMoment(time)}${uncertainty === null ? "" : ` or up to ${uncertainty} s earlier`}: not averaged.`,
    flags.length === 0
      ? "No quality flag."
      : `Flagged: ${flags.map((flag) => `${flagPhrase(flag)} (${FLAGS[flag].meaning})`).join("; ")}.`,
    UNCORRECTED,
  );
}

export interface IndexMeaningInput {
  scale: AirQualityScale;
  value: number | null;
  pollutant: Quantity | null;
  coverage: number;
  /** Of the averaging period, in seconds since 1970. */
  end: number;
}

/** Of an air-quality index. */
export function indexMeaning({ scale, value, pollutant, coverage, end }: IndexMeaningInput): string {
  const period = `${INDEX_MEANS[scale]} to ${formatClock(end)}`;
  if (value === null) {
    const needed = scale === "US_NOWCAST" ? "two of the latest three hours" : "75 %";
    return `No index: ${formatShare(coverage)} of the hours have data; ${needed} are needed.`;
  }
  return `${pollutant ? QUANTITIES[pollutant].label : "Particulates"}, ${period}; ${formatShare(coverage)} of the hours have data.`;
}

const INDEX_MEANS: Record<AirQualityScale, string> = {
  UK_DAQI: "mean of 24 h",
  EUROPEAN_AQI: "mean of 1 h",
  US_EPA: "mean of 24 h",
  US_NOWCAST: "weighted mean of 12 h",
};

/** Of the profile of the day or the week. */
export function profileMeaning(group: "hour" | "weekday", count: number, band: boolean): string {
  return join(
    `Mean of each ${group === "hour" ? "hour of the day" : "day of the week"} (local time) over the time range, from ${plural(count, "value")}.`,
    band
      ? `The ${group === "hour" ? "band is" : "bars are"} the middle 80 % of them.`
      : "A shorter time range also shows the spread.",
    UNCORRECTED,
  );
}

/** Of the days of the calendar. */
export function calendarMeaning(): string {
  return `Mean of the values from midnight to midnight (local time). Dashed frame: fewer than 75 % of the hours have data. ${UNCORRECTED}`;
}

/** Of the exposure of a trip. */
export function exposureMeaning(count: number): string {
  return `Time-weighted mean of ${plural(count, "sample")}: a long stop counts for its whole duration. Values out of range are left out. ${UNCORRECTED}`;
}

/** A bucket of a series as text, for screen readers and the line above the chart. */
export function describePoint(
  point: { start: number; end: number | null; mean: number | null; low: number | null; high: number | null; count: number },
  quantity: Quantity,
  label = formatBucket(point.start, point.end),
): string {
  if (point.mean === null) {
    return `${label}: no data`;
  }
  const band =
    point.low !== null && point.high !== null && point.count > 1
      ? `, 10 to 90 %: ${formatValueWithUnit(point.low, quantity)} to ${formatValueWithUnit(point.high, quantity)}`
      : "";
  return `${label}: ${formatValueWithUnit(point.mean, quantity)}${band}, ${plural(point.count, "value")}`;
}

/** Coverage, and the values that are left out, within a sentence. */
function quality({ invalid, coverage }: Counted): string {
  const hours = coverage === null ? "" : `${formatShare(coverage)} of the hours have data; `;
  return `${hours}${leftOut(invalid)}`;
}

function leftOut(invalid: number): string {
  return invalid === 0 ? "none left out" : `${plural(invalid, "value")} out of range left out`;
}

function join(...sentences: (string | false)[]): string {
  return sentences.filter((sentence) => sentence !== false).join(" ");
}

/** Of the samples of a trip. */
export function tripMeaning(count: number, invalid: number): string {
  return join(`${plural(count, "sample")} as sent, not averaged; ${leftOut(invalid)}.`, UNCORRECTED);
}

/** Of the lines of a comparison. */
export function compareMeaning(interval: string, elapsed: boolean): string {
  return join(
    `Mean of each ${interval.replace(/^1 /, "")}.`,
    elapsed && "Trips are compared by the time since their start.",
    "Sensors of different models may differ at the same place.",
    UNCORRECTED,
  );
}

/** Of the statistics of a comparison. */
export function comparedMeaning(invalid: number, label: string): string {
  return join(`Of all valid ${label} values in the time range; ${leftOut(invalid)}.`, UNCORRECTED);
}
