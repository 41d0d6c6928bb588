import type uPlot from "uplot";
import { formatDecimal, timeFormat } from "../../../shared/format";
import type { ChartTheme } from "./theme";

const DAY = 86_400;
/** Room below the plot in which flags are marked, in pixels. */
export const FLAG_STRIP = 14;

/** Axis of time, in the browser's time zone: clock times with the day below the first tick of each. */
export function timeAxis(theme: ChartTheme, strip = 0): uPlot.Axis {
  return {
    ...baseAxis(theme),
    size: (_, values) => ((values ?? []).some((value) => value?.includes("\n")) ? 42 : 28) + strip,
    gap: 6 + strip,
    space: 64,
    values: (_, splits, __, ___, increment) => timeLabels(splits, increment),
  };
}

export function timeLabels(splits: readonly number[], increment: number): string[] {
  const text = (time: number, options: Intl.DateTimeFormatOptions) =>
    timeFormat(options).format(new Date(time * 1000));
  // The year of today needs no label.
  let before = increment < 27 * DAY && increment >= DAY ? String(new Date().getFullYear()) : "";
  return splits.map((time) => {
    const [first, second]: [Intl.DateTimeFormatOptions, Intl.DateTimeFormatOptions] =
      increment < DAY
        ? [
            { hour: "2-digit", minute: "2-digit", ...(increment < 60 && { second: "2-digit" }) },
            { day: "numeric", month: "short" },
          ]
        : increment < 27 * DAY
          ? [{ day: "numeric", month: "short" }, { year: "numeric" }]
          : increment < 360 * DAY
            ? [{ month: "short" }, { year: "numeric" }]
            : [{ year: "numeric" }, {}];
    const below = Object.keys(second).length === 0 ? "" : text(time, second);
    const label = below === before ? text(time, first) : `${text(time, first)}\n${below}`;
    before = below;
    return label;
  });
}

/** Axis of the groups of a profile. */
export function groupAxis(theme: ChartTheme, label: (group: number) => string, space: number): uPlot.Axis {
  return {
    ...baseAxis(theme),
    size: 28,
    gap: 6,
    space,
    incrs: [1, 2, 3, 6],
    values: (_, splits) => splits.map((split) => (Number.isInteger(split) ? label(split) : "")),
  };
}

export function valueAxis(theme: ChartTheme): uPlot.Axis {
  return {
    ...baseAxis(theme),
    size: (_, values) => 14 + 7 * Math.max(2, ...(values ?? []).map((value) => value.length)),
    gap: 6,
    space: 34,
    values: (_, splits) => splits.map((value) => formatDecimal(value, 0, 6)),
  };
}

function baseAxis(theme: ChartTheme): uPlot.Axis {
  return {
    stroke: theme.axis,
    font: theme.font,
    grid: { stroke: theme.grid, width: 1 },
    ticks: { show: false },
  };
}

/** Range of the value axis: from 0 for quantities that cannot be negative, with room above. */
export function valueRange(fromZero: boolean): uPlot.Range.Function {
  return (_, min, max) => {
    if (min == null || max == null) {
      return [0, 1];
    }
    const room = Math.max((max - min) * 0.08, Math.abs(max) * 0.01, 0.5);
    return fromZero && min >= 0 ? [0, max + room] : [min - room, max + room];
  };
}
