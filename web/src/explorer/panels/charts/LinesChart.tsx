import { useMemo, useRef } from "react";
import type uPlot from "uplot";
import { shortRunIndices } from "../data/point";
import { timeAxis, valueAxis, valueRange } from "./axes";
import { Chart, type ChartProps } from "./Chart";
import { drawLetters, drawMark } from "./drawing";
import { SUBJECT_DASHES, subjectLetter } from "./subjectStyle";
import type { ChartTheme } from "./theme";

interface LinesChartProps
  extends Pick<ChartProps, "label" | "cursor" | "onCursor" | "describe" | "onSelect" | "onPick"> {
  x: readonly number[];
  /** One list of values for each line. */
  lines: readonly (readonly (number | null)[])[];
  /** `elapsed`: minutes since the start. */
  axis: "time" | "elapsed";
  fromZero: boolean;
  mark?: number | null;
}

/** One line for each compared subject: colour, dashes and a letter at its end. */
export function LinesChart({ x, lines, axis, fromZero, mark = null, ...chart }: LinesChartProps) {
  const data = useMemo<uPlot.AlignedData>(() => [[...x], ...lines.map((line) => [...line])], [x, lines]);
  const count = lines.length;
  const drawn = useRef({ mark });
  drawn.current = { mark };
  const build = useMemo(
    () => (theme: ChartTheme) => lineOptions(theme, count, axis, fromZero, drawn),
    [count, axis, fromZero, mark],
  );
  return <Chart {...chart} data={data} build={build} height={260} />;
}

function lineOptions(
  theme: ChartTheme,
  count: number,
  axis: "time" | "elapsed",
  fromZero: boolean,
  drawn: { readonly current: { mark: number | null } },
): Partial<uPlot.Options> {
  const time = axis === "time";
  const color = (index: number) => theme.subjects[index] ?? theme.line;
  return {
    padding: [10, 20, 0, 0],
    scales: { x: { time }, y: { range: valueRange(fromZero) } },
    axes: [
      time
        ? timeAxis(theme)
        : {
            ...timeAxis(theme),
            size: 28,
            values: (_, splits) => splits.map((minutes) => `${minutes} min`),
          },
      valueAxis(theme),
    ],
    series: [
      {},
      ...Array.from({ length: count }, (_, index): uPlot.Series => ({
        stroke: color(index),
        width: 2,
        dash: [...(SUBJECT_DASHES[index] ?? [])],
        points: {
          show: false,
          size: 6,
          width: 0,
          fill: color(index),
          stroke: color(index),
          filter: (plot, series) => shortRunIndices(plot.data[series] as (number | null)[]),
        },
      })),
    ],
    cursor: {
      points: { size: 9, width: 2, fill: () => theme.surface, stroke: (_, series) => color(series - 1) },
    },
    hooks: {
      draw: [
        (plot) => {
          drawLetters(
            plot,
            Array.from({ length: count }, (_, index) => subjectLetter(index)),
            theme.subjects,
            theme,
          );
          if (drawn.current.mark !== null) {
            drawMark(plot, drawn.current.mark, theme);
          }
        },
      ],
    },
  };
}
