import { formatCount, formatShare, formatValue } from "../../../shared/format";
import { QUANTITIES, type Quantity } from "../../../shared/quantity";
import { formatFlags } from "../data/flags";
import { formatBucket } from "../data/labels";
import type { Point } from "../data/point";
import type { Column } from "../frame/columns";

/** Columns of a series: times in UTC and unrounded numbers in the file. */
export function seriesColumns(quantity: Quantity): Column<Point>[] {
  return [
    {
      header: "Time",
      name: "start",
      text: ({ start, end }) => formatBucket(start, end),
      value: ({ start }) => iso(start),
    },
    ...valueColumns(quantity),
    {
      header: "Hours with data",
      name: "coverage",
      numeric: true,
      text: ({ coverage }) => (coverage === null ? "–" : formatShare(coverage)),
      value: ({ coverage }) => coverage,
    },
    {
      header: "Left out",
      name: "values_out_of_range",
      numeric: true,
      text: ({ invalid }) => formatCount(invalid),
      value: ({ invalid }) => invalid,
    },
    {
      header: "Flagged",
      name: "flags",
      text: ({ flags }) => formatFlags(flags),
      value: ({ flags }) => flags.map(({ flag, count }) => `${flag}:${count}`).join(" "),
    },
  ];
}

/** Columns of a profile. */
export function profileColumns(
  quantity: Quantity,
  heading: string,
  label: (group: number) => string,
): Column<Point>[] {
  return [
    {
      header: heading,
      name: heading.toLowerCase().replaceAll(" ", "_"),
      text: ({ x }) => label(x),
      value: ({ x }) => x,
    },
    ...valueColumns(quantity),
  ];
}

function valueColumns(quantity: Quantity): Column<Point>[] {
  const { label, unit } = QUANTITIES[quantity];
  const number = (
    header: string,
    name: string,
    of: (point: Point) => number | null,
  ): Column<Point> => ({
    header,
    ...(unit !== "" && { unit }),
    name: columnName(label, name, unit),
    numeric: true,
    text: (point) => formatValue(of(point), quantity),
    value: of,
  });
  return [
    number("Mean", "mean", ({ mean }) => mean),
    number("10 %", "p10", ({ low }) => low),
    number("90 %", "p90", ({ high }) => high),
    number("Lowest", "min", ({ min }) => min),
    number("Highest", "max", ({ max }) => max),
    {
      header: "Values",
      name: "count",
      numeric: true,
      text: ({ count }) => formatCount(count),
      value: ({ count }) => count,
    },
  ];
}

/** Name of a column in a file: `PM2.5 mean (µg/m³)`. */
export function columnName(label: string, statistic: string, unit: string): string {
  return unit === "" ? `${label} ${statistic}` : `${label} ${statistic} (${unit})`;
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
