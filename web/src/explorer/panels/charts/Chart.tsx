import { type KeyboardEvent, useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useMedia } from "../../../shared/useMedia";
import { type ChartTheme, readTheme } from "./theme";
import "./chart.css";

export interface ChartProps {
  /** Accessible name. */
  label: string;
  data: uPlot.AlignedData;
  /** Series, axes and hooks. A function with a constant identity: a new one makes a new chart. */
  build: (theme: ChartTheme) => Partial<uPlot.Options>;
  height: number;
  /** Index of the point under the cursor. */
  cursor: number | null;
  onCursor: (index: number | null, nearestSeries: number) => void;
  /** The point as text, for screen readers. */
  describe: (index: number) => string;
  /** A span of the x axis was selected by dragging. */
  onSelect?: (from: number, to: number) => void;
  /** A point was clicked, or Enter was pressed on it. */
  onPick?: (index: number) => void;
}

/** Shortest drag that selects a span, in pixels. */
const MIN_DRAG = 12;
/** Points of a Page Up or Page Down. */
const PAGE = 10;

/**
 * A uPlot chart with a cursor that the mouse, a finger, the arrow keys and other parts of the page move. For assistive
 * technology it is a slider over its points: its value is the point as text.
 */
export function Chart(props: ChartProps) {
  const { label, data, build, height, cursor, describe } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const dark = useMedia("(prefers-color-scheme: dark)");

  useEffect(() => {
    const element = host.current;
    if (!element) {
      return undefined;
    }
    const chart = createPlot(element, latest);
    plot.current = chart;
    const size = new ResizeObserver(() => {
      const width = element.clientWidth;
      if (width > 0 && width !== chart.width) {
        chart.setSize({ width, height: latest.current.height });
      }
    });
    size.observe(element);
    return () => {
      size.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [build, height, dark]);

  useEffect(() => {
    const chart = plot.current;
    if (chart && chart.data !== data) {
      chart.setData(data);
    }
  }, [data]);

  useEffect(() => {
    if (plot.current) {
      moveCursor(plot.current, cursor);
    }
  }, [cursor, data, dark]);

  const last = data[0].length - 1;
  return (
    <div
      ref={host}
      className="chart"
      style={{ height }}
      tabIndex={0}
      role="slider"
      aria-label={label}
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={Math.max(last, 0)}
      aria-valuenow={cursor ?? Math.max(last, 0)}
      aria-valuetext={last < 0 ? "No data" : describe(cursor ?? last)}
      onKeyDown={(event) => handleKey(event, latest.current)}
    />
  );
}

function createPlot(element: HTMLElement, latest: { readonly current: ChartProps }): uPlot {
  const { build, data, height, onSelect } = latest.current;
  const built = build(readTheme(element));
  let pressedAt: number | null = null;
  const chart = new uPlot(
    {
      width: Math.max(element.clientWidth, 1),
      height,
      legend: { show: false },
      series: [],
      ...built,
      cursor: {
        y: false,
        drag: { x: onSelect !== undefined, y: false, setScale: false },
        ...built.cursor,
      },
      hooks: {
        ...built.hooks,
        setCursor: [
          (self) => {
            const index = self.cursor.idx ?? null;
            if (index !== latest.current.cursor) {
              latest.current.onCursor(index, nearestSeries(self));
            }
          },
        ],
        setSelect: [
          (self) => {
            const { left, width } = self.select;
            if (width >= MIN_DRAG) {
              latest.current.onSelect?.(self.posToVal(left, "x"), self.posToVal(left + width, "x"));
            }
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    },
    data,
    element,
  );
  chart.over.addEventListener("mousedown", (event) => {
    pressedAt = event.clientX;
  });
  chart.over.addEventListener("click", (event) => {
    const index = chart.cursor.idx;
    if (pressedAt !== null && Math.abs(event.clientX - pressedAt) < MIN_DRAG && index != null) {
      latest.current.onPick?.(index);
    }
  });
  return chart;
}

/** Moves the cursor without an event. */
function moveCursor(chart: uPlot, index: number | null): void {
  if ((chart.cursor.idx ?? null) === index) {
    return;
  }
  const x = index === null ? undefined : chart.data[0][index];
  if (x === undefined) {
    chart.setCursor({ left: -10, top: -10 }, false);
  } else {
    chart.setCursor({ left: chart.valToPos(x, "x"), top: chart.over.clientHeight / 2 }, false);
  }
}

/** Number of the series whose value is nearest to the pointer. */
function nearestSeries(chart: uPlot): number {
  const { idx, top } = chart.cursor;
  let best = 1;
  let distance = Number.POSITIVE_INFINITY;
  for (let series = 1; idx != null && series < chart.data.length; series++) {
    const value = chart.data[series]?.[idx];
    const away = value == null ? Number.POSITIVE_INFINITY : Math.abs(chart.valToPos(value, "y") - (top ?? 0));
    if (away < distance) {
      best = series;
      distance = away;
    }
  }
  return best;
}

function handleKey(event: KeyboardEvent, { data, cursor, onCursor, onPick }: ChartProps): void {
  const last = data[0].length - 1;
  if (last < 0 || event.altKey || event.ctrlKey || event.metaKey) {
    return;
  }
  const at = cursor ?? last;
  const targets: Record<string, number | null> = {
    ArrowRight: cursor === null ? last : at + 1,
    ArrowUp: at + 1,
    ArrowLeft: cursor === null ? last : at - 1,
    ArrowDown: at - 1,
    PageUp: at + PAGE,
    PageDown: at - PAGE,
    Home: 0,
    End: last,
    Escape: null,
  };
  const target = targets[event.key];
  if (event.key === "Enter" && cursor !== null && onPick) {
    onPick(cursor);
  } else if (target === undefined || (target === null && cursor === null)) {
    return;
  } else {
    onCursor(target === null ? null : Math.min(Math.max(target, 0), last), 1);
  }
  event.preventDefault();
}
