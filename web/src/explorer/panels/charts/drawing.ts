// What uPlot has no option for, drawn by hooks on its canvas. Coordinates are canvas pixels.
import uPlot from "uplot";
import { gaps, hasHatchedGaps, type Point } from "../data/point";
import { FLAG_STRIP } from "./axes";
import type { ChartTheme } from "./theme";

/** Calls `draw` with the canvas clipped to the plot, or to a rectangle of it. */
function clipped(
  plot: uPlot,
  [left, top, width, height]: [number, number, number, number],
  draw: (context: CanvasRenderingContext2D) => void,
): void {
  const { ctx } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  draw(ctx);
  ctx.restore();
}

/** Hatches the spans without a value. */
export function drawGaps(plot: uPlot, points: readonly Point[], theme: ChartTheme): void {
  if (!hasHatchedGaps(points)) {
    return;
  }
  const ratio = uPlot.pxRatio;
  const { top, height } = plot.bbox;
  for (const { first, last } of gaps(points)) {
    const from = points[first - 1]?.x ?? points[first]?.x ?? 0;
    const to = points[last + 1]?.x ?? points[last]?.x ?? 0;
    const left = plot.valToPos(from, "x", true);
    const width = plot.valToPos(to, "x", true) - left;
    if (width < 2 * ratio) {
      continue;
    }
    clipped(plot, [left, top, width, height], (ctx) => {
      ctx.strokeStyle = theme.gap;
      ctx.lineWidth = ratio;
      ctx.beginPath();
      for (let x = left - height; x < left + width; x += 7 * ratio) {
        ctx.moveTo(x, top + height);
        ctx.lineTo(x + height, top);
      }
      ctx.stroke();
    });
  }
}

/** Draws the band of points that no line joins as bars. */
export function drawBars(plot: uPlot, points: readonly Point[], indices: readonly number[], theme: ChartTheme): void {
  const { left, top, width, height } = plot.bbox;
  clipped(plot, [left, top, width, height], (ctx) => {
    ctx.fillStyle = theme.band;
    const half = 3 * uPlot.pxRatio;
    for (const index of indices) {
      const point = points[index];
      if (point && point.low !== null && point.high !== null) {
        const x = plot.valToPos(point.x, "x", true);
        const upper = plot.valToPos(point.high, "y", true);
        ctx.fillRect(x - half, upper, 2 * half, plot.valToPos(point.low, "y", true) - upper);
      }
    }
  });
}

/** Marks points with flags by triangles below the plot. */
export function drawFlags(plot: uPlot, points: readonly Point[], theme: ChartTheme): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  const size = 5 * ratio;
  const top = bbox.top + bbox.height + 3 * ratio;
  ctx.save();
  ctx.fillStyle = theme.flag;
  for (const { x, flags } of points) {
    if (flags.length > 0) {
      const at = plot.valToPos(x, "x", true);
      ctx.beginPath();
      ctx.moveTo(at, top);
      ctx.lineTo(at + size, top + FLAG_STRIP * ratio * 0.65);
      ctx.lineTo(at - size, top + FLAG_STRIP * ratio * 0.65);
      ctx.fill();
    }
  }
  ctx.restore();
}

/** A dashed vertical line at the time of the map's slider. */
export function drawMark(plot: uPlot, x: number, theme: ChartTheme): void {
  const { left, top, width, height } = plot.bbox;
  clipped(plot, [left, top, width, height], (ctx) => {
    const at = plot.valToPos(x, "x", true);
    ctx.strokeStyle = theme.mark;
    ctx.lineWidth = 1.5 * uPlot.pxRatio;
    ctx.setLineDash([4 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
    ctx.beginPath();
    ctx.moveTo(at, top);
    ctx.lineTo(at, top + height);
    ctx.stroke();
  });
}

/** Writes a letter beside the last value of each line. */
export function drawLetters(plot: uPlot, letters: readonly string[], colors: readonly string[], theme: ChartTheme): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  const lineHeight = 14 * ratio;
  const labels = letters
    .flatMap((letter, index) => {
      const values = plot.data[index + 1] ?? [];
      const last = values.findLastIndex((value) => value != null);
      const value = values[last];
      const x = plot.data[0][last];
      return value == null || x === undefined
        ? []
        : [{ letter, color: colors[index] ?? theme.line, x: plot.valToPos(x, "x", true), y: plot.valToPos(value, "y", true) }];
    })
    .toSorted((one, other) => one.y - other.y);
  ctx.save();
  ctx.font = theme.font.replace(/^12px/, `600 ${12 * ratio}px`);
  ctx.textBaseline = "middle";
  let below = Number.NEGATIVE_INFINITY;
  for (const { letter, color, x, y } of labels) {
    const at = Math.max(y, below + lineHeight);
    below = at;
    ctx.fillStyle = color;
    ctx.fillText(letter, Math.min(x + 5 * ratio, bbox.left + bbox.width + 5 * ratio), at);
  }
  ctx.restore();
}
