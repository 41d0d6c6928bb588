// The value that colours the map, as text.
import { SCALES } from "../shared/airQualityScale";
import { formatValue } from "../shared/format";
import { type AirQualityScale, QUANTITIES, type Quantity } from "../shared/quantity";
import type { Layer } from "./view";

/** Name in the schema, which the address has too. */
export function layerName(layer: Layer): Quantity | AirQualityScale {
  return layer.kind === "quantity" ? layer.quantity : layer.scale;
}

export function layerLabel(layer: Layer): string {
  return layer.kind === "quantity" ? QUANTITIES[layer.quantity].label : SCALES[layer.scale].label;
}

/** Empty for an index and for a number without unit. */
export function layerUnit(layer: Layer): string {
  return layer.kind === "quantity" ? QUANTITIES[layer.quantity].unit : "";
}

/** A value without its unit; `–` without a value. */
export function formatLayerValue(value: number | null, layer: Layer): string {
  if (value === null) {
    return "–";
  }
  return layer.kind === "quantity" ? formatValue(value, layer.quantity) : String(value);
}

/** Quantity of what the index has no part in: that of the layer, or PM2.5. */
export function quantityOf(layer: Layer): Quantity {
  return layer.kind === "quantity" ? layer.quantity : "PM2_5";
}
