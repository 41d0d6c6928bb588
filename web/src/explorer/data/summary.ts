import { formatCount, formatShare, formatTime, formatValueWithUnit, plural } from "../../shared/format";
import { SCALES } from "../../shared/airQualityScale";
import { layerLabel } from "../layer";
import type { View } from "../view";
import { rangeLabel } from "../time/labels";
import { type CellItem, type Content, MIN_VALUES } from "./content";

/** The legend as a sentence: what the colours are the mean of. */
export function legendSentence(view: View, content: Content, span: string | null): string {
  const period = span ?? rangeLabel(view.range);
  const devices = plural(content.devices.length, "device");
  if (view.layer.kind === "index") {
    const { label, averaging } = SCALES[view.layer.scale];
    return `${label} from PM2.5 and PM10, averaged over ${averaging}; ${devices} in view, not corrected.`;
  }
  const values = content.cells.reduce((sum, { count }) => sum + count, 0);
  const coverage = meanCoverage(content.cells);
  return [
    `${layerLabel(view.layer)}, mean of ${period}`,
    plural(content.cells.length, "cell"),
    plural(values, "value"),
    devices,
    ...(coverage === null ? [] : [`${formatShare(coverage)} coverage`]),
    "not corrected.",
  ].join(", ");
}

/** Share of hours with data: the mean over all cells. */
function meanCoverage(cells: readonly CellItem[]): number | null {
  const shares = cells.flatMap(({ coverage }) => coverage ?? []);
  return shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** What has changed on the map, for screen readers: `42 cells, PM2.5 3.1 to 31 µg/m³, 10 devices`. */
export function announcement(view: View, content: Content): string {
  const values = content.cells.flatMap(({ value }) => value ?? []);
  const range = values.length === 0 ? "no values" : valueRange(view, Math.min(...values), Math.max(...values));
  const trips = content.trips.length === 0 ? [] : [plural(content.trips.length, "trip")];
  return [plural(content.cells.length, "cell"), range, plural(content.devices.length, "device"), ...trips].join(", ");
}

function valueRange({ layer }: View, low: number, high: number): string {
  const text = (value: number) =>
    layer.kind === "index" ? String(value) : formatValueWithUnit(value, layer.quantity);
  return `${layerLabel(layer)} ${text(low)} to ${text(high)}`;
}

/** The meaning of a cell's value in one line. */
export function cellNote(cell: CellItem): string {
  if (cell.value === null) {
    return "too few values";
  }
  const few = cell.few ? `, fewer than ${MIN_VALUES}` : "";
  return `mean of ${formatCount(cell.count)} values${few}`;
}

/** `14:05–14:20 on 29 Nov` of a trip. */
export function tripTimes(trip: { start: string; end: string }, now: number): string {
  return `${formatTime(trip.start, now)} to ${formatTime(trip.end, now)}`;
}
