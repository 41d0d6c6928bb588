import type { Feature, FeatureCollection, LineString, Point } from "geojson";
import { type Bounds, wrapLongitude } from "./resolution";

/** Distances of the lines, in degrees. */
const INTERVALS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001] as const;

/**
 * Lines of equal latitude and longitude in `bounds`, at least `minLines` of longitude, with labels at the western and
 * northern edges.
 */
export function graticule(bounds: Bounds, minLines = 5): FeatureCollection<LineString | Point> {
  const width = bounds.east - bounds.west;
  const interval = INTERVALS.find((degrees) => width / degrees >= minLines) ?? 0.001;
  const north = Math.min(bounds.north, 85);
  const south = Math.max(bounds.south, -85);
  const features: Feature<LineString | Point>[] = [];
  const add = (label: string, line: [number, number][], at: [number, number], axis: string) => {
    features.push(
      { type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: line } },
      { type: "Feature", properties: { label, axis }, geometry: { type: "Point", coordinates: at } },
    );
  };
  for (const longitude of multiples(bounds.west, bounds.east, interval)) {
    add(
      degreeLabel(wrapLongitude(longitude), interval, "E", "W"),
      [[longitude, south], [longitude, north]],
      [longitude, bounds.north],
      "longitude",
    );
  }
  for (const latitude of multiples(south, north, interval)) {
    add(
      degreeLabel(latitude, interval, "N", "S"),
      [[bounds.west, latitude], [bounds.east, latitude]],
      [bounds.west, latitude],
      "latitude",
    );
  }
  return { type: "FeatureCollection", features };
}

function multiples(from: number, to: number, interval: number): number[] {
  const first = Math.ceil(from / interval);
  const last = Math.floor(to / interval);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * interval);
}

/** `52.2° N` with as many decimals as the interval has. */
function degreeLabel(degrees: number, interval: number, positive: string, negative: string): string {
  const decimals = Math.max(0, -Math.floor(Math.log10(interval)));
  const text = Math.abs(degrees).toFixed(decimals);
  return Number(text) === 0 ? `${text}°` : `${text}° ${degrees > 0 ? positive : negative}`;
}
