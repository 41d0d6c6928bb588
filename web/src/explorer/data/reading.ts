// The value of each quantity in a measurement.
import type { ReadingsFragment } from "../../graphql/generated/panels";
import type { Quantity } from "../view";

type Particulate = "pm1" | "pm25" | "pm4" | "pm10";
type Group = "weather" | "ambient" | "motion" | "status";
type GroupFields = { [Name in Group]: NonNullable<ReadingsFragment[Name]> };

/** A measurement with the groups and fields that a request selected. */
export type Readings = Pick<ReadingsFragment, Particulate> & {
  [Name in Group]?: Partial<GroupFields[Name]> | null;
};

/** The group of a quantity and its field there; particulates are fields of the measurement itself. */
type FieldPath =
  | readonly [null, Particulate]
  | { [Name in Group]: readonly [Name, keyof GroupFields[Name]] }[Group];

const FIELDS: Record<Quantity, FieldPath> = {
  PM1: [null, "pm1"],
  PM2_5: [null, "pm25"],
  PM4: [null, "pm4"],
  PM10: [null, "pm10"],
  TEMPERATURE: ["weather", "temperature"],
  AMBIENT_TEMPERATURE: ["weather", "ambientTemperature"],
  HUMIDITY: ["weather", "humidity"],
  DEW_POINT: ["weather", "dewPoint"],
  PRESSURE: ["weather", "pressure"],
  WIND_SPEED: ["weather", "windSpeed"],
  WIND_GUST: ["weather", "windGust"],
  WIND_DIRECTION: ["weather", "windDirection"],
  RAIN: ["weather", "rain"],
  SUNSHINE: ["weather", "sunshine"],
  CO2: ["ambient", "co2"],
  NO2: ["ambient", "no2"],
  O3: ["ambient", "o3"],
  CO: ["ambient", "co"],
  VOC_INDEX: ["ambient", "vocIndex"],
  NOX_INDEX: ["ambient", "noxIndex"],
  PARTICLES_0_3: ["ambient", "particles03"],
  NOISE: ["ambient", "noise"],
  ILLUMINANCE: ["ambient", "illuminance"],
  ALTITUDE: ["motion", "altitude"],
  SPEED: ["motion", "speed"],
  ACCELERATION_X: ["motion", "accelerationX"],
  ACCELERATION_Y: ["motion", "accelerationY"],
  ACCELERATION_Z: ["motion", "accelerationZ"],
  ACCELERATION_MAGNITUDE: ["motion", "accelerationMagnitude"],
  ROTATION_X: ["motion", "rotationX"],
  ROTATION_Y: ["motion", "rotationY"],
  ROTATION_Z: ["motion", "rotationZ"],
  ROTATION_MAGNITUDE: ["motion", "rotationMagnitude"],
  BATTERY_VOLTAGE: ["status", "batteryVoltage"],
  SIGNAL_STRENGTH: ["status", "signalStrength"],
  SATELLITES: ["status", "satellites"],
  GPS_UPDATED: ["status", "gpsUpdated"],
  SAMPLE_COUNTER: ["status", "sampleCounter"],
  UPTIME: ["status", "uptime"],
  ACCELEROMETER_SAMPLES: ["status", "accelerometerSamples"],
};

/** The value of a quantity in a measurement; null without one, and when it was not selected. */
export function readingOf(measurement: Readings, quantity: Quantity): number | null {
  const [group, field] = FIELDS[quantity];
  const fields = (group === null ? measurement : measurement[group]) as
    | Partial<Record<string, number | boolean | null>>
    | null
    | undefined;
  const value = fields?.[field];
  return value == null ? null : Number(value);
}

/** The group that a request selects for a quantity; null for particulates. */
export function groupOf(quantity: Quantity): Group | null {
  return FIELDS[quantity][0];
}

/** Variables of the fragment `Readings`: the group of the quantity is read. */
export function readingGroups(quantity: Quantity): Record<Group, boolean> {
  const group = groupOf(quantity);
  return {
    weather: group === "weather",
    ambient: group === "ambient",
    motion: group === "motion",
    status: group === "status",
  };
}
