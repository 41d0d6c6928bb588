import { EDGE_LENGTHS } from "../h3";
import type { Camera } from "../view";

/** Length of a cell's edge on the screen that resolutions come closest to, in pixels. */
const EDGE_PIXELS = 17;
/** MapLibre's tile size: the world is this wide at zoom 0. */
const TILE_PIXELS = 512;
const EARTH_CIRCUMFERENCE = 40_075_017;

/** Size of a pixel in the middle of the map, in metres. */
function metresPerPixel({ latitude, zoom }: Camera): number {
  return (EARTH_CIRCUMFERENCE * Math.cos((latitude * Math.PI) / 180)) / (TILE_PIXELS * 2 ** zoom);
}

/** The H3 resolution whose cells have a convenient size on the screen. */
export function resolutionFor(camera: Camera): number {
  const target = EDGE_PIXELS * metresPerPixel(camera);
  let best = 0;
  for (const [resolution, length] of EDGE_LENGTHS.entries()) {
    const distance = Math.abs(Math.log(length / target));
    if (distance < Math.abs(Math.log((EDGE_LENGTHS[best] ?? 1) / target))) {
      best = resolution;
    }
  }
  return best;
}

export interface Bounds {
  west: number;
  south: number;
  east: number;
  north: number;
}

/**
 * `bounds` enlarged to whole tiles, so that small movements of the map need no request. `west` is greater than
 * `east` across the antimeridian.
 */
export function snapToTiles(bounds: Bounds, zoom: number): Bounds {
  const tiles = 2 ** Math.max(0, Math.floor(zoom) + 1);
  const west = Math.floor(((bounds.west + 180) / 360) * tiles);
  const east = Math.ceil(((bounds.east + 180) / 360) * tiles);
  const north = Math.max(0, Math.floor(mercatorY(bounds.north) * tiles));
  const south = Math.min(tiles, Math.ceil(mercatorY(bounds.south) * tiles));
  const whole = east - west >= tiles;
  return {
    west: whole ? -180 : round(wrapLongitude((west / tiles) * 360 - 180)),
    east: whole ? 180 : wrapEast((east / tiles) * 360 - 180),
    north: round(north === 0 ? 90 : latitudeOf(north / tiles)),
    south: round(south === tiles ? -90 : latitudeOf(south / tiles)),
  };
}

/** Latitude as a share of the height of the Mercator map, 0 in the north. */
function mercatorY(latitude: number): number {
  const limited = Math.min(Math.max(latitude, -85.051_129), 85.051_129);
  const radians = (limited * Math.PI) / 180;
  return 0.5 - Math.log(Math.tan(Math.PI / 4 + radians / 2)) / (2 * Math.PI);
}

function latitudeOf(y: number): number {
  return (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;
}

/** Longitude from -180 to 180, exclusive. */
export function wrapLongitude(longitude: number): number {
  return ((((longitude + 180) % 360) + 360) % 360) - 180;
}

/** Longitude from -180, exclusive, to 180. */
function wrapEast(longitude: number): number {
  const wrapped = round(wrapLongitude(longitude));
  return wrapped === -180 ? 180 : wrapped;
}

function round(degrees: number): number {
  return Number(degrees.toFixed(6));
}

/** Whether two cameras show the same, up to the digits of an address. */
export function sameCamera(one: Camera, other: Camera): boolean {
  const tolerance = 1e-4 * 2 ** (10 - Math.min(one.zoom, 18));
  return (
    Math.abs(one.zoom - other.zoom) < 0.02 &&
    Math.abs(one.latitude - other.latitude) < tolerance &&
    Math.abs(one.longitude - other.longitude) < tolerance
  );
}
