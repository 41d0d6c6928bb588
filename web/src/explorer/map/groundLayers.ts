import type { LayerSpecification } from "maplibre-gl";
import type { MapPalette } from "./palette";

/** Layers of the offline ground: land, borders, names of countries. */
export function offlineGroundLayers(palette: MapPalette): LayerSpecification[] {
  return [
    { id: "land", type: "fill", source: "land", paint: { "fill-color": palette.land } },
    {
      id: "borders",
      type: "line",
      source: "borders",
      paint: { "line-color": palette.border, "line-width": 1, "line-dasharray": [3, 2] },
    },
  ];
}

/** Names of countries, above the graticule. Drawn with fonts of the device: the style has no `glyphs`. */
export function countryLabels(palette: MapPalette): LayerSpecification {
  return {
    id: "countries",
    type: "symbol",
    source: "countries",
    minzoom: 1.5,
    maxzoom: 8,
    layout: {
      "text-field": ["get", "name"],
      "text-font": ["sans-serif"],
      "text-size": ["interpolate", ["linear"], ["zoom"], 2, 10, 6, 15],
      "text-max-width": 7,
      "text-padding": 6,
    },
    paint: { "text-color": palette.label, "text-halo-color": palette.labelHalo, "text-halo-width": 1.5 },
  };
}

export function graticuleLayers(palette: MapPalette): LayerSpecification[] {
  const label = (axis: "latitude" | "longitude", anchor: "left" | "top"): LayerSpecification => ({
    id: `graticule-${axis}`,
    type: "symbol",
    source: "graticule",
    filter: ["==", ["get", "axis"], axis],
    layout: {
      "text-field": ["get", "label"],
      "text-font": ["sans-serif"],
      "text-size": 10.5,
      "text-anchor": anchor,
      "text-offset": anchor === "left" ? [0.5, -0.7] : [0, 0.3],
      "text-padding": 1,
    },
    paint: { "text-color": palette.label, "text-halo-color": palette.labelHalo, "text-halo-width": 1.25 },
  });
  return [
    {
      id: "graticule",
      type: "line",
      source: "graticule",
      filter: ["==", ["geometry-type"], "LineString"],
      paint: { "line-color": palette.graticule, "line-width": 1 },
    },
    label("latitude", "left"),
    label("longitude", "top"),
  ];
}
