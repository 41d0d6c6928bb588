// What is under the pointer.
import type { Map as MapLibreMap, MapMouseEvent } from "maplibre-gl";
import { PICK_LAYERS } from "./dataLayers";

type PickLayer = (typeof PICK_LAYERS)[number];

/** A feature under the pointer: the index of its item in the content. */
export interface Pick {
  layer: PickLayer;
  index: number;
  x: number;
  y: number;
  longitude: number;
  latitude: number;
}

/** Pixels around a click in which a device or trip is found. */
const PICK_RADIUS = 5;

/** The topmost feature at an event: a device, else a trip, else a cell. */
export function pickFeature(map: MapLibreMap, { point, lngLat }: MapMouseEvent): Pick | null {
  const { x, y } = point;
  for (const layer of PICK_LAYERS) {
    if (!map.getLayer(layer)) {
      continue;
    }
    const radius = layer === "cells" ? 0 : PICK_RADIUS;
    const [feature] = map.queryRenderedFeatures(
      [
        [x - radius, y - radius],
        [x + radius, y + radius],
      ],
      { layers: [layer] },
    );
    const index: unknown = feature?.properties["index"];
    if (typeof index === "number") {
      return { layer, index, x, y, longitude: lngLat.lng, latitude: lngLat.lat };
    }
  }
  return null;
}
