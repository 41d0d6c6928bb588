import type { Quantity, ReadingsFragment } from "../../../graphql/generated/panels";

const READ: Record<Quantity, (measurement: ReadingsFragment) => number | boolean | null | undefined> = {
  PM1: (measurement) => measurement.pm1,
  PM2_5: (measurement) => measurement.pm25,
  PM4: (measurement) => measurement.pm4,
  PM10: (measurement) => measurement.pm10,
  TEMPERATURE: ({ weather }) => weather?.temperature,
  AMBIENT_TEMPERATURE: ({ weather }) => weather?.ambientTemperature,
  HUMIDITY: ({ weather }) => weather?.humidity,
  DEW_POINT: ({ weather }) => weather?.dewPoint,
  PRESSURE: ({ weather }) => weather?.pressure,
  WIND_SPEED: ({ weather }) => weather?.windSpeed,
  WIND_GUST: ({ weather }) => weather?.windGust,
  WIND_DIRECTION: ({ weather }) => weather?.windDirection,
  RAIN: ({ weather }) => weather?.rain,
  SUNSHINE: ({ weather }) => weather?.sunshine,
  CO2: ({ ambient }) => ambient?.co2,
  NO2: ({ ambient }) => ambient?.no2,
  O3: ({ ambient }) => ambient?.o3,
  CO: ({ ambient }) => ambient?.co,
  VOC_INDEX: ({ ambient }) => ambient?.vocIndex,
  NOX_INDEX: ({ ambient }) => ambient?.noxIndex,
  PARTICLES_0_3: ({ ambient }) => ambient?.particles03,
  NOISE: ({ ambient }) => ambient?.noise,
  ILLUMINANCE: ({ ambient }) => ambient?.illuminance,
  ALTITUDE: ({ motion }) => motion?.altitude,
  SPEED: ({ motion }) => motion?.speed,
  ACCELERATION_X: ({ motion }) => motion?.accelerationX,
  ACCELERATION_Y: ({ motion }) => motion?.accelerationY,
  ACCELERATION_Z: ({ motion }) => motion?.accelerationZ,
  ACCELERATION_MAGNITUDE: ({ motion }) => motion?.accelerationMagnitude,
  ROTATION_X: ({ motion }) => motion?.rotationX,
  ROTATION_Y: ({ motion }) => motion?.rotationY,
  ROTATION_Z: ({ motion }) => motion?.rotationZ,
  ROTATION_MAGNITUDE: ({ motion }) => motion?.rotationMagnitude,
  BATTERY_VOLTAGE: ({ status }) => status?.batteryVoltage,
  SIGNAL_STRENGTH: ({ status }) => status?.signalStrength,
  SATELLITES: ({ status }) => status?.satellites,
  GPS_UPDATED: ({ status }) => status?.gpsUpdated,
  SAMPLE_COUNTER: ({ status }) => status?.sampleCounter,
  UPTIME: ({ status }) => status?.uptime,
  ACCELEROMETER_SAMPLES: ({ status }) => status?.accelerometerSamples,
};

/** The value of a quantity in a measurement. */
export function readingOf(measurement: ReadingsFragment, quantity: Quantity): number | null {
  const value = READ[quantity](measurement);
  return value == null ? null : Number(value);
}

const WEATHER = new Set<Quantity>([
  "TEMPERATURE",
  "AMBIENT_TEMPERATURE",
  "HUMIDITY",
  "DEW_POINT",
  "PRESSURE",
  "WIND_SPEED",
  "WIND_GUST",
  "WIND_DIRECTION",
  "RAIN",
  "SUNSHINE",
]);

const AMBIENT = new Set<Quantity>([
  "CO2",
  "NO2",
  "O3",
  "CO",
  "VOC_INDEX",
  "NOX_INDEX",
  "PARTICLES_0_3",
  "NOISE",
  "ILLUMINANCE",
]);

const STATUS = new Set<Quantity>([
  "BATTERY_VOLTAGE",
  "SIGNAL_STRENGTH",
  "SATELLITES",
  "GPS_UPDATED",
  "SAMPLE_COUNTER",
  "UPTIME",
  "ACCELEROMETER_SAMPLES",
]);

const AIR = new Set<Quantity>(["PM1", "PM2_5", "PM4", "PM10"]);

/** Variables of the fragment `Readings`: the group of the quantity is read. */
export function readingGroups(quantity: Quantity) {
  const weather = WEATHER.has(quantity);
  const ambient = AMBIENT.has(quantity);
  const status = STATUS.has(quantity);
  return { weather, ambient, status, motion: !weather && !ambient && !status && !AIR.has(quantity) };
}
