import { useMemo, useRef } from "react";
import uPlot from "uplot";
import { timeAxis, valueAxis } from "./axes";
import { Chart, type ChartProps } from "./Chart";
import type { ChartTheme } from "./theme";

interface IndexChartProps extends Pick<ChartProps, "label" | "cursor" | "onCursor" | "describe" | "onPick"> {
  x: readonly number[];
  values: readonly (number | null)[];
  /** Official colour of each value's band. */
  colours: readonly (string | null)[];
}

/** Index values as bars in the official colours, with an outline that is visible on every ground. */
export function IndexChart({ x, values, colours, ...chart }: IndexChartProps) {
  const data = useMemo<uPlot.AlignedData>(() => [[...x], [...values]], [x, values]);
  const drawn = useRef(colours);
  drawn.current = colours;
  const build = useMemo(() => (theme: ChartTheme) => indexOptions(theme, drawn), []);
  return <Chart {...chart} data={data} build={build} height={140} />;
}

function indexOptions(
  theme: ChartTheme,
  colours: { readonly current: readonly (string | null)[] },
): Partial<uPlot.Options> {
  return {
    padding: [10, 20, 0, 0],
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(max ?? 0, 1) * 1.1] } },
    axes: [timeAxis(theme), { ...valueAxis(theme), incrs: [1, 2, 5, 10, 20, 25, 50, 100] }],
    series: [
      {},
      {
        stroke: theme.axis,
        width: 0,
        fill: theme.grid,
        points: { show: false },
        ...(uPlot.paths.bars && {
          paths: uPlot.paths.bars({
            size: [0.9, 60],
            disp: {
              fill: { unit: 3, values: () => colours.current.map((colour) => colour ?? theme.grid) },
            },
          }),
        }),
      },
    ],
    cursor: { points: { show: false } },
  };
}
