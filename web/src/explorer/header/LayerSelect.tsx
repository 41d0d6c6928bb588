import { SCALES, isScale } from "../../shared/airQualityScale";
import { isQuantity, QUANTITIES, type Quantity } from "../../shared/quantity";
import { layerName } from "../layer";
import type { Layer } from "../view";

const GROUPS: readonly { label: string; quantities: readonly Quantity[] }[] = [
  { label: "Particulate matter", quantities: ["PM2_5", "PM10", "PM1", "PM4", "PARTICLES_0_3"] },
  { label: "Gases", quantities: ["NO2", "O3", "CO", "CO2", "VOC_INDEX", "NOX_INDEX"] },
  { label: "Weather, sound, light", quantities: ["TEMPERATURE", "HUMIDITY", "PRESSURE", "NOISE", "ILLUMINANCE"] },
];

const MENU = GROUPS.flatMap(({ quantities }) => quantities);

/** Chooses the quantity or the index that colours the map. */
export function LayerSelect({ layer, onChange }: { layer: Layer; onChange: (layer: Layer) => void }) {
  // A link may name a quantity that the menu does not have.
  const other = layer.kind === "quantity" && !MENU.includes(layer.quantity) ? layer.quantity : null;
  return (
    <select
      className="field layer-select"
      aria-label="Colour the map by"
      value={layerName(layer)}
      onChange={({ target }) => {
        if (isQuantity(target.value)) {
          onChange({ kind: "quantity", quantity: target.value });
        } else if (isScale(target.value)) {
          onChange({ kind: "index", scale: target.value });
        }
      }}
    >
      {GROUPS.map(({ label, quantities }) => (
        <optgroup key={label} label={label}>
          {quantities.map((quantity) => (
            <option key={quantity} value={quantity}>
              {QUANTITIES[quantity].label}
            </option>
          ))}
        </optgroup>
      ))}
      <optgroup label="Air quality index">
        {Object.entries(SCALES).map(([scale, { label }]) => (
          <option key={scale} value={scale}>
            {label}
          </option>
        ))}
      </optgroup>
      {other && <option value={other}>{QUANTITIES[other].label}</option>}
    </select>
  );
}
