import { useId, useRef } from "react";
import { Button } from "../../shared/Button";
import { isQuantity, QUANTITIES } from "../../shared/quantity";
import type { SensorDraft } from "./draft";

/** Maximum number of sensors of a device, as in the schema. */
const MAX_SENSORS = 100;

/** The single sensors of a device whose firmware names values by sensor ids. */
export function SensorsField({
  sensors,
  error,
  onChange,
}: {
  sensors: SensorDraft[];
  error: string | undefined;
  onChange: (sensors: SensorDraft[]) => void;
}) {
  const [errorId, hintId] = [useId(), useId()];
  const fieldset = useRef<HTMLFieldSetElement>(null);
  const nextRow = Math.max(-1, ...sensors.map(({ row }) => row)) + 1;
  const change = (row: number, changed: Partial<SensorDraft>) =>
    onChange(sensors.map((sensor) => (sensor.row === row ? { ...sensor, ...changed } : sensor)));
  const focusLast = (selector: string) =>
    setTimeout(() => [...(fieldset.current?.querySelectorAll<HTMLElement>(selector) ?? [])].at(-1)?.focus());

  return (
    <fieldset ref={fieldset} className="sensors" aria-describedby={`${errorId} ${hintId}`}>
      <legend>Sensors</legend>
      <p id={hintId} className="hint">
        Only for firmware that sends values by sensor id (senseBox). Other firmware names the quantities itself.
      </p>
      {sensors.length > 0 && (
        <ul className="plain-list">
          {sensors.map(({ row, sensor, quantity }, index) => (
            <li key={row}>
              <input
                className="field mono"
                aria-label={`Sensor id ${index + 1}`}
                aria-invalid={error !== undefined && sensor.trim() === ""}
                placeholder="Sensor id"
                autoComplete="off"
                spellCheck={false}
                maxLength={64}
                value={sensor}
                onChange={({ target }) => change(row, { sensor: target.value })}
              />
              <select
                className="field"
                aria-label={`Quantity ${index + 1}`}
                value={quantity}
                onChange={({ target }) => isQuantity(target.value) && change(row, { quantity: target.value })}
              >
                {Object.entries(QUANTITIES).map(([name, { label, unit }]) => (
                  <option key={name} value={name}>
                    {unit === "" ? label : `${label} in ${unit}`}
                  </option>
                ))}
              </select>
              <Button
                look="quiet"
                aria-label={`Remove sensor ${index + 1}`}
                onClick={() => {
                  onChange(sensors.filter((kept) => kept.row !== row));
                  focusLast(".sensors-add");
                }}
              >
                Remove
              </Button>
            </li>
          ))}
        </ul>
      )}
      {error !== undefined && (
        <p id={errorId} className="form-error">
          {error}
        </p>
      )}
      <Button
        className="sensors-add"
        disabled={sensors.length >= MAX_SENSORS}
        onClick={() => {
          onChange([...sensors, { row: nextRow, sensor: "", quantity: "PM2_5" }]);
          focusLast("li input");
        }}
      >
        Add a sensor
      </Button>
    </fieldset>
  );
}
