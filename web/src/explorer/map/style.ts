import type { StyleSpecification } from "maplibre-gl";
import { dataLayers } from "./dataLayers";
import { collection } from "./features";
import { countryLabels, graticuleLayers, offlineGroundLayers } from "./groundLayers";
import { DARK_PALETTE, LIGHT_PALETTE } from "./palette";
import type { TileGround } from "./tiles";

/** Sources whose data the map sets. */
const DATA_SOURCES = [
  "land",
  "borders",
  "countries",
  "graticule",
  "cells",
  "trips",
  "devices",
  "hover",
] as const;
export type DataSource = (typeof DATA_SOURCES)[number];

/** The ground has no more detail from this zoom on. */
const GROUND_MAX_ZOOM = 7;
const GROUND_SOURCES: ReadonlySet<DataSource> = new Set<DataSource>(["land", "borders", "countries"]);

/** The style without data. It has no `glyphs` and no `sprite`, so it loads nothing. */
export function mapStyle(dark: boolean, tiles: TileGround | null): StyleSpecification {
  const palette = dark ? DARK_PALETTE : LIGHT_PALETTE;
  const data = DATA_SOURCES.map((name) => [
    name,
    { type: "geojson" as const, data: collection([]), maxzoom: GROUND_SOURCES.has(name) ? GROUND_MAX_ZOOM : 18 },
  ]);
  return {
    version: 8,
    sources: { ...Object.fromEntries(data), ...(tiles && { tiles: tiles.source }) },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": palette.sea } },
      ...(tiles ? tiles.layers : offlineGroundLayers(palette)),
      ...(tiles ? [] : graticuleLayers(palette)),
      ...dataLayers(palette, dark),
      ...(tiles ? [] : [countryLabels(palette)]),
    ],
  };
}
