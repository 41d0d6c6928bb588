import { useMemo, useRef } from "react";
import type uPlot from "uplot";
import { shortRunIndices, type Point } from "../data/point";
import { FLAG_STRIP, groupAxis, timeAxis, valueAxis, valueRange } from "./axes";
import { Chart, type ChartProps } from "./Chart";
import { drawBars, drawFlags, drawGaps, drawMark } from "./drawing";
import type { ChartTheme } from "./theme";

export interface BandChartProps
  extends Pick<ChartProps, "label" | "cursor" | "onCursor" | "describe" | "onSelect" | "onPick"> {
  points: readonly Point[];
  /** `time`: the points of a series. `groups`: those of a profile. */
  axis: { kind: "time" } | { kind: "groups"; label: (group: number) => string; space: number };
  /** Whether neighbours are joined by lines; otherwise each point has a bar for its band. */
  joined?: boolean;
  /** Whether the value axis starts at 0. */
  fromZero: boolean;
  /** Position of a vertical mark on the x axis. */
  mark?: number | null;
  height?: number;
}

/** Means as a line, with the band from the 10th to the 90th percentile. */
export function BandChart({
  points,
  axis,
  joined = true,
  fromZero,
  mark = null,
  height = 220,
  ...chart
}: BandChartProps) {
  const data = useMemo(() => bandData(points), [points]);
  const single = useMemo(
    () => (joined ? shortRunIndices(data[1]) : data[1].flatMap((value, index) => (value == null ? [] : [index]))),
    [data, joined],
  );
  const drawn = useRef({ points, single, mark });
  drawn.current = { points, single, mark };
  const flagged = points.some(({ flags }) => flags.length > 0);
  const axisRef = useRef(axis);
  axisRef.current = axis;
  const { kind } = axis;

  const build = useMemo(
    () => (theme: ChartTheme) => bandOptions(theme, axisRef.current, { joined, fromZero, flagged }, drawn),
    // A mark is drawn by the hooks of an existing chart, but needs it to be drawn again.
    [kind, joined, fromZero, flagged, mark],
  );
  return <Chart {...chart} data={data} build={build} height={height} />;
}

type BandData = [number[], (number | null)[], (number | null)[], (number | null)[]];

function bandData(points: readonly Point[]): BandData {
  return [
    points.map(({ x }) => x),
    points.map(({ mean }) => mean),
    points.map(({ high }) => high),
    points.map(({ low }) => low),
  ];
}

interface Drawn {
  points: readonly Point[];
  single: readonly number[];
  mark: number | null;
}

function bandOptions(
  theme: ChartTheme,
  axis: BandChartProps["axis"],
  { joined, fromZero, flagged }: { joined: boolean; fromZero: boolean; flagged: boolean },
  drawn: { readonly current: Drawn },
): Partial<uPlot.Options> {
  const time = axis.kind === "time";
  const edge: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false } };
  const single = () => [...drawn.current.single];
  return {
    padding: [10, 20, 0, 0],
    scales: {
      x: { time, ...(!time && { range: (_, min, max) => [min - 0.5, max + 0.5] }) },
      y: { range: valueRange(fromZero) },
    },
    axes: [
      time ? timeAxis(theme, flagged ? FLAG_STRIP : 0) : groupAxis(theme, axis.label, axis.space),
      valueAxis(theme),
    ],
    series: [
      {},
      {
        stroke: joined ? theme.line : "transparent",
        width: joined ? 2 : 0,
        points: {
          show: false,
          size: joined ? 6 : 8,
          width: 0,
          fill: theme.line,
          stroke: theme.line,
          filter: single,
        },
      },
      edge,
      edge,
    ],
    ...(joined && { bands: [{ series: [2, 3], fill: theme.band }] }),
    cursor: {
      points: {
        size: (_, series) => (series === 1 ? 9 : 0),
        fill: () => theme.surface,
        stroke: () => theme.line,
        width: () => 2,
      },
    },
    hooks: {
      drawClear: [(plot) => time && drawGaps(plot, drawn.current.points, theme)],
      draw: [
        (plot) => {
          const { points, mark } = drawn.current;
          if (time) {
            drawFlags(plot, points, theme);
          }
          if (mark !== null) {
            drawMark(plot, mark, theme);
          }
        },
      ],
      // After the grid and before the lines.
      drawAxes: [(plot) => drawBars(plot, drawn.current.points, drawn.current.single, theme)],
    },
  };
}
