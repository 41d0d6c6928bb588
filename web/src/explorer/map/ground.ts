// The ground without internet: land and borders of Natural Earth, from the package world-atlas. The files are assets of the
// page, loaded when the map needs them.
import type { FeatureCollection, MultiLineString, MultiPolygon, Point, Polygon, Position } from "geojson";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import fine from "world-atlas/countries-50m.json?url";
import coarse from "world-atlas/countries-110m.json?url";

type WorldAtlas = Topology<{ countries: GeometryCollection<{ name: string }>; land: GeometryCollection }>;

export interface Ground {
  land: FeatureCollection;
  borders: MultiLineString;
  /** A point in each country, with its name. */
  countries: FeatureCollection<Point>;
}

/** The fine ground is loaded from this zoom on. */
export const FINE_GROUND_ZOOM = 3;

const loaded = new Map<string, Promise<Ground>>();

/** Loads the ground once for each detail. A failed load is repeated by the next call. */
export function loadGround(detail: "coarse" | "fine"): Promise<Ground> {
  const url = detail === "fine" ? fine : coarse;
  const known = loaded.get(url);
  if (known) {
    return known;
  }
  const loading = load(url);
  loaded.set(url, loading);
  loading.catch(() => loaded.delete(url));
  return loading;
}

async function load(url: string): Promise<Ground> {
  const response = await fetch(url);
  if (!response.ok) {
    throw new Error(`${url}: status ${response.status}`);
  }
  const atlas = (await response.json()) as WorldAtlas;
  const land = feature(atlas, atlas.objects.land);
  return {
    land,
    borders: mesh(atlas, atlas.objects.countries, (one, other) => one !== other),
    countries: labelPoints(feature(atlas, atlas.objects.countries)),
  };
}

/** The middle of the largest part of each country. */
function labelPoints(countries: FeatureCollection): FeatureCollection<Point> {
  return {
    type: "FeatureCollection",
    features: countries.features.flatMap(({ geometry, properties }) => {
      const middle = middleOf(geometry as Polygon | MultiPolygon);
      return middle ? { type: "Feature", properties, geometry: { type: "Point", coordinates: middle } } : [];
    }),
  };
}

function middleOf(geometry: Polygon | MultiPolygon): Position | undefined {
  const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  let largest = 0;
  let middle: Position | undefined;
  for (const [ring = []] of parts) {
    const longitudes = ring.map(([longitude = 0]) => longitude);
    const latitudes = ring.map(([, latitude = 0]) => latitude);
    const [west, east] = [Math.min(...longitudes), Math.max(...longitudes)];
    const [south, north] = [Math.min(...latitudes), Math.max(...latitudes)];
    if ((east - west) * (north - south) > largest) {
      largest = (east - west) * (north - south);
      middle = [(west + east) / 2, (south + north) / 2];
    }
  }
  return middle;
}
