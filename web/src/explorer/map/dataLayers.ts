import type { FilterSpecification, LayerSpecification } from "maplibre-gl";
import { hatchName } from "./icons";
import type { MapPalette } from "./palette";

/** Layers of a click's targets, the upper ones first. */
export const PICK_LAYERS = ["devices", "trips", "cells"] as const;

/** Selection filter that matches no feature. */
const NONE: FilterSpecification = ["in", ["get", "key"], ["literal", []]];

/** Width of a trip's line by zoom, in pixels. */
function lineWidth(extra: number): ["interpolate", ["linear"], ["zoom"], ...number[]] {
  return ["interpolate", ["linear"], ["zoom"], 10, 2 + extra, 14, 4 + extra, 18, 7 + extra];
}

/** Layers of cells, trips and devices. */
export function dataLayers(palette: MapPalette, dark: boolean): LayerSpecification[] {
  const round = { "line-cap": "round", "line-join": "round" } as const;
  return [
    {
      id: "cells",
      type: "fill",
      source: "cells",
      paint: {
        "fill-color": ["get", "colour"],
        "fill-opacity": ["case", ["get", "few"], 0.35, 0.78],
        "fill-antialias": false,
      },
    },
    {
      id: "cells-few",
      type: "fill",
      source: "cells",
      filter: ["get", "few"],
      paint: { "fill-pattern": hatchName(dark), "fill-opacity": 0.8 },
    },
    {
      id: "cells-outline",
      type: "line",
      source: "cells",
      paint: { "line-color": palette.cellOutline, "line-width": 0.75 },
    },
    {
      id: "cells-selected-halo",
      type: "line",
      source: "cells",
      filter: NONE,
      paint: { "line-color": palette.selectionHalo, "line-width": 6 },
    },
    {
      id: "cells-selected",
      type: "line",
      source: "cells",
      filter: NONE,
      paint: { "line-color": palette.selection, "line-width": 3 },
    },
    {
      id: "trips-selected",
      type: "line",
      source: "trips",
      filter: NONE,
      layout: round,
      paint: { "line-color": palette.selection, "line-width": lineWidth(7) },
    },
    {
      id: "trips-casing",
      type: "line",
      source: "trips",
      layout: round,
      paint: { "line-color": palette.lineCasing, "line-width": lineWidth(3), "line-opacity": 0.9 },
    },
    {
      id: "trips",
      type: "line",
      source: "trips",
      layout: round,
      paint: { "line-color": ["get", "colour"], "line-width": lineWidth(0) },
    },
    {
      id: "devices-selected",
      type: "circle",
      source: "devices",
      filter: NONE,
      paint: {
        "circle-radius": 19,
        "circle-color": palette.selectionHalo,
        "circle-stroke-color": palette.selection,
        "circle-stroke-width": 3,
      },
    },
    {
      id: "devices",
      type: "symbol",
      source: "devices",
      layout: {
        "icon-image": ["get", "icon"],
        "icon-allow-overlap": true,
        "icon-size": ["interpolate", ["linear"], ["zoom"], 4, 0.5, 10, 0.8, 12, 1],
        "symbol-sort-key": ["get", "order"],
        "text-field": ["step", ["zoom"], "", 9.5, ["get", "value"]],
        "text-font": ["sans-serif"],
        "text-size": 11,
        "text-allow-overlap": true,
      },
      paint: {
        "text-color": ["match", ["get", "textColour"], "stale", palette.text, "#ffffff", "#ffffff", "#000000"],
      },
    },
    {
      id: "devices-age",
      type: "symbol",
      source: "devices",
      minzoom: 12.5,
      layout: {
        "text-field": ["get", "age"],
        "text-font": ["sans-serif"],
        "text-size": 11,
        "text-anchor": "top",
        "text-offset": [0, 1.5],
        "text-padding": 1,
      },
      paint: { "text-color": palette.text, "text-halo-color": palette.labelHalo, "text-halo-width": 1.75 },
    },
    {
      id: "hover",
      type: "circle",
      source: "hover",
      paint: {
        "circle-radius": 7,
        "circle-color": palette.selection,
        "circle-stroke-color": palette.selectionHalo,
        "circle-stroke-width": 2.5,
      },
    },
  ];
}

/** Layers with a filter by the selection. */
export const SELECTION_LAYERS = [
  "cells-selected-halo",
  "cells-selected",
  "trips-selected",
  "devices-selected",
] as const;
