// What the map and the table show: items with their values and classes, made of an answer of the gateway.
import type { MapQuery } from "../../graphql/generated/explorer";
import type { Colouring } from "../legend/colouring";
import { wrapLongitude } from "../map/resolution";
import type { Layer, Subject } from "../view";
import { readingOf } from "./reading";

interface Item {
  subject: Subject;
  name: string;
  longitude: number;
  latitude: number;
  /** Value of the layer: of the quantity or of the index. */
  value: number | null;
  /** Class of the value; null without one. */
  classIndex: number | null;
}

export interface CellItem extends Item {
  kind: "cell";
  /** Corners, counterclockwise, as longitude and latitude. */
  ring: [number, number][];
  /** Number of values. */
  count: number;
  coverage: number | null;
  /** Whether the value is of fewer than `MIN_VALUES` values, or the index of too few hours. */
  few: boolean;
}

export interface DeviceItem extends Item {
  kind: "device";
  mobile: boolean;
  /** Time of the latest value (RFC 3339); null without one. */
  measuredAt: string | null;
}

export interface TripPoint {
  time: string;
  longitude: number;
  latitude: number;
  value: number | null;
  classIndex: number | null;
}

export interface TripItem extends Item {
  kind: "trip";
  start: string;
  end: string;
  /** In metres. */
  distance: number;
  points: TripPoint[];
}

export type MapItem = CellItem | DeviceItem | TripItem;

export interface Content {
  cells: CellItem[];
  devices: DeviceItem[];
  trips: TripItem[];
}

export interface ContentOptions {
  layer: Layer;
  colouring: Colouring;
  classes: readonly number[] | null;
  historic: boolean;
}

/** Fewer values than this make no reliable mean: the cell is hatched. */
export const MIN_VALUES = 10;

/** Values of an answer, for the steps of a quantity without customary ones. */
export function valuesOf(cells: MapQuery["cells"]): number[] {
  return cells.flatMap((cell) => cell.quantity?.mean ?? []);
}

/** The cells of an answer. With `classes`, only those of these classes of the legend. */
export function cellsOf(cells: MapQuery["cells"], { colouring, classes }: ContentOptions): CellItem[] {
  return cells.map((cell) => cellItem(cell, classifier(colouring))).filter((cell) => isShown(cell.classIndex, classes));
}

/** The same of devices. With `historic`, their latest values are not of the time that is shown: they have only their index. */
export function devicesOf(
  nodes: MapQuery["devices"]["nodes"],
  { layer, colouring, classes, historic }: ContentOptions,
): DeviceItem[] {
  return nodes
    .flatMap((device) => deviceItem(device, layer, historic, classifier(colouring)) ?? [])
    .filter((device) => isShown(device.classIndex, classes));
}

/** The same of trips: those with a point of these classes. */
export function tripsOf(mobile: MapQuery["mobile"], { layer, colouring, classes }: ContentOptions): TripItem[] {
  return (mobile?.nodes ?? [])
    .flatMap((device) => tripItems(device, layer, classifier(colouring)))
    .filter(({ points }) => classes === null || points.some((point) => isShown(point.classIndex, classes)));
}

function classifier(colouring: Colouring): ClassOf {
  return (value) => (value === null ? null : colouring.classOf(value));
}

function isShown(classIndex: number | null, classes: readonly number[] | null): boolean {
  return classes === null || (classIndex !== null && classes.includes(classIndex));
}

type ClassOf = (value: number | null) => number | null;

function cellItem(cell: MapQuery["cells"][number], classOf: ClassOf): CellItem {
  const value = (cell.quantity ? cell.quantity.mean : cell.airQualityIndex?.value) ?? null;
  const count = cell.quantity?.count ?? cell.count ?? 0;
  const ring = unwrap(cell.boundary.map(({ longitude, latitude }) => [longitude, latitude]));
  const [longitude, latitude] = middleOf(ring);
  return {
    kind: "cell",
    subject: { kind: "cell", cell: cell.index },
    name: `Cell ${latitude.toFixed(3)}, ${longitude.toFixed(3)}`,
    longitude,
    latitude,
    ring,
    value,
    classIndex: classOf(value),
    count,
    coverage: cell.airQualityIndex?.coverage ?? cell.coverage ?? null,
    few: value === null || (cell.quantity != null && count < MIN_VALUES),
  };
}

/** The mean of the corners. */
function middleOf(ring: readonly [number, number][]): [number, number] {
  const sum = (index: 0 | 1) => ring.reduce((total, corner) => total + corner[index], 0);
  const corners = Math.max(ring.length, 1);
  return [wrapLongitude(sum(0) / corners), sum(1) / corners];
}

/** A ring across the antimeridian continues beyond 180 degrees. */
function unwrap(ring: [number, number][]): [number, number][] {
  const first = ring[0]?.[0] ?? 0;
  return ring.map(([longitude, latitude]) => [
    longitude - first > 180 ? longitude - 360 : longitude - first < -180 ? longitude + 360 : longitude,
    latitude,
  ]);
}

function deviceItem(
  device: MapQuery["devices"]["nodes"][number],
  layer: Layer,
  historic: boolean,
  classOf: ClassOf,
): DeviceItem | null {
  const latest = device.latest ?? null;
  const longitude = device.longitude ?? latest?.longitude ?? null;
  const latitude = device.latitude ?? latest?.latitude ?? null;
  if (longitude === null || latitude === null) {
    return null;
  }
  const value =
    layer.kind === "index"
      ? (device.airQualityIndex?.value ?? null)
      : historic
        ? null
        : latest && readingOf(latest, layer.quantity);
  return {
    kind: "device",
    subject: { kind: "device", key: device.key },
    name: device.name ?? device.key,
    longitude,
    latitude,
    mobile: device.kind === "MOBILE",
    measuredAt: historic ? null : (latest?.measuredAt ?? null),
    value,
    classIndex: classOf(value),
  };
}

type MobileDevice = NonNullable<MapQuery["mobile"]>["nodes"][number];

function tripItems(device: MobileDevice, layer: Layer, classOf: ClassOf): TripItem[] {
  // The path has values of PM2.5 and PM10 only.
  const pollutant =
    layer.kind === "quantity" ? ({ PM2_5: "pm25", PM10: "pm10" } as const)[layer.quantity as "PM10"] : undefined;
  return device.trips.nodes.flatMap((trip) => {
    const last = trip.points.at(-1);
    if (!last) {
      return [];
    }
    const value = (pollutant && trip[pollutant]?.mean) ?? null;
    return {
      kind: "trip" as const,
      subject: { kind: "trip" as const, id: trip.id },
      name: device.name ?? device.key,
      start: trip.start,
      end: trip.end,
      distance: trip.distance,
      longitude: last.longitude,
      latitude: last.latitude,
      value,
      classIndex: classOf(value),
      points: trip.points.map((point) => {
        const pointValue = (pollutant && point[pollutant]) ?? null;
        return {
          time: point.measuredAt,
          longitude: point.longitude,
          latitude: point.latitude,
          value: pointValue,
          classIndex: classOf(pointValue),
        };
      }),
    };
  });
}
