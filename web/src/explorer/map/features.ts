// GeoJSON of what the map shows. Each feature has its index in the content, by which a click finds its item.
import type { Feature, FeatureCollection, LineString, Point, Polygon } from "geojson";
import { formatAge } from "../../shared/format";
import type { CellItem, DeviceItem, TripItem } from "../data/content";
import { formatLayerValue } from "../layer";
import type { ColourClass, Colouring } from "../legend/colouring";
import { type Layer, subjectKey } from "../view";
import { iconName } from "./icons";

/** Colour of an item without value. */
const NO_VALUE_COLOUR = "#9aa5ae";

export interface MapFeatures {
  cells: FeatureCollection<Polygon>;
  trips: FeatureCollection<LineString>;
  devices: FeatureCollection<Point>;
}

/** Values older than this are drawn hollow, in milliseconds. */
const STALE_AGE = 2 * 3_600_000;

/** Cells as polygons. */
export function cellFeatures(cells: readonly CellItem[], colouring: Colouring): MapFeatures["cells"] {
  return collection(cells.map((cell, index) => cellFeature(cell, index, classAt(colouring, cell.classIndex))));
}

/** Trips as lines. */
export function tripFeatures(trips: readonly TripItem[], colouring: Colouring): MapFeatures["trips"] {
  return collection(trips.flatMap((trip, index) => linesOf(trip, index, colouring)));
}

/** Devices as points. */
export function deviceFeatures(
  devices: readonly DeviceItem[],
  layer: Layer,
  colouring: Colouring,
  now: number,
): MapFeatures["devices"] {
  return collection(
    devices.map((device, index) => deviceFeature(device, index, classAt(colouring, device.classIndex), layer, now)),
  );
}

function classAt({ classes }: Colouring, index: number | null): ColourClass | undefined {
  return index === null ? undefined : classes[index];
}

export function collection<Geometry extends Point | LineString | Polygon>(
  features: Feature<Geometry>[],
): FeatureCollection<Geometry> {
  return { type: "FeatureCollection", features };
}

function cellFeature(cell: CellItem, index: number, of: ColourClass | undefined): Feature<Polygon> {
  const first = cell.ring[0];
  return {
    type: "Feature",
    properties: { index, key: subjectKey(cell.subject), colour: of?.colour ?? NO_VALUE_COLOUR, few: cell.few },
    geometry: { type: "Polygon", coordinates: [first ? [...cell.ring, first] : cell.ring] },
  };
}

/** Lines of consecutive points of one class. */
function linesOf(trip: TripItem, index: number, colouring: Colouring): Feature<LineString>[] {
  const lines: Feature<LineString>[] = [];
  let classOfLine: number | null | undefined;
  for (const [number, point] of trip.points.entries()) {
    const next = trip.points[number + 1];
    if (!next) {
      break;
    }
    const end = [next.longitude, next.latitude];
    const line = lines.at(-1);
    if (line && classOfLine === next.classIndex) {
      line.geometry.coordinates.push(end);
      continue;
    }
    classOfLine = next.classIndex;
    lines.push({
      type: "Feature",
      properties: {
        index,
        key: subjectKey(trip.subject),
        colour: classAt(colouring, next.classIndex)?.colour ?? NO_VALUE_COLOUR,
      },
      geometry: { type: "LineString", coordinates: [[point.longitude, point.latitude], end] },
    });
  }
  return lines;
}

function deviceFeature(
  device: DeviceItem,
  index: number,
  of: ColourClass | undefined,
  layer: Layer,
  now: number,
): Feature<Point> {
  const time = device.measuredAt === null ? null : Date.parse(device.measuredAt);
  const stale = time === null || now - time > STALE_AGE;
  const value = device.value === null ? "" : badgeText(formatLayerValue(device.value, layer));
  return {
    type: "Feature",
    properties: {
      index,
      key: subjectKey(device.subject),
      icon: iconName({ mobile: device.mobile, colour: of?.colour ?? NO_VALUE_COLOUR, stale }),
      value,
      textColour: stale ? "stale" : (of?.textColour ?? "#000000"),
      age: time === null ? "" : formatAge(time, now),
      // Newer values are drawn above older ones.
      order: time === null ? 0 : time / 1000,
    },
    geometry: { type: "Point", coordinates: [device.longitude, device.latitude] },
  };
}

/** At most four characters fit into a badge. */
function badgeText(text: string): string {
  return text.length > 4 ? text.replace(/\.\d+$/, "") : text;
}
