import type { Quantity } from "../graphql/generated/explorer";

export type { AirQualityScale, Quantity } from "../graphql/generated/explorer";

export interface QuantityInfo {
  /** Short name, such as `PM2.5`. */
  label: string;
  /** Full name, such as `Particulate matter up to 2.5 µm`. */
  name: string;
  /** Unit as people write it; empty for a number without unit. */
  unit: string;
  /** Decimal places of a value. */
  decimals: number;
}

/** Every quantity of the schema. The order is that of menus. */
export const QUANTITIES: Record<Quantity, QuantityInfo> = {
  PM2_5: { label: "PM2.5", name: "Particulate matter up to 2.5 µm", unit: "µg/m³", decimals: 1 },
  PM10: { label: "PM10", name: "Particulate matter up to 10 µm", unit: "µg/m³", decimals: 1 },
  PM1: { label: "PM1", name: "Particulate matter up to 1 µm", unit: "µg/m³", decimals: 1 },
  PM4: { label: "PM4", name: "Particulate matter up to 4 µm", unit: "µg/m³", decimals: 1 },
  PARTICLES_0_3: { label: "Particles > 0.3 µm", name: "Particles larger than 0.3 µm", unit: "per dl", decimals: 0 },
  NO2: { label: "NO₂", name: "Nitrogen dioxide", unit: "µg/m³", decimals: 1 },
  O3: { label: "O₃", name: "Ozone", unit: "µg/m³", decimals: 1 },
  CO: { label: "CO", name: "Carbon monoxide", unit: "mg/m³", decimals: 2 },
  CO2: { label: "CO₂", name: "Carbon dioxide", unit: "ppm", decimals: 0 },
  VOC_INDEX: { label: "VOC index", name: "Volatile organic compounds, Sensirion VOC index", unit: "", decimals: 0 },
  NOX_INDEX: { label: "NOx index", name: "Nitrogen oxides, Sensirion NOX index", unit: "", decimals: 0 },
  TEMPERATURE: { label: "Temperature", name: "Temperature at the sensor", unit: "°C", decimals: 1 },
  AMBIENT_TEMPERATURE: {
    label: "Ambient temperature",
    name: "Temperature from a nearby weather station",
    unit: "°C",
    decimals: 1,
  },
  HUMIDITY: { label: "Humidity", name: "Relative humidity", unit: "%", decimals: 0 },
  PRESSURE: { label: "Pressure", name: "Air pressure at the sensor's height", unit: "hPa", decimals: 1 },
  DEW_POINT: { label: "Dew point", name: "Dew point", unit: "°C", decimals: 1 },
  NOISE: { label: "Noise", name: "Sound level, A-weighted", unit: "dB(A)", decimals: 0 },
  ILLUMINANCE: { label: "Illuminance", name: "Illuminance", unit: "lx", decimals: 0 },
  WIND_SPEED: { label: "Wind speed", name: "Mean wind speed", unit: "m/s", decimals: 1 },
  WIND_GUST: { label: "Wind gust", name: "Maximum wind speed", unit: "m/s", decimals: 1 },
  WIND_DIRECTION: { label: "Wind direction", name: "Direction the wind comes from", unit: "°", decimals: 0 },
  RAIN: { label: "Rain", name: "Rain since the start of the day", unit: "mm", decimals: 1 },
  SUNSHINE: { label: "Sunshine", name: "Sunshine since the start of the day", unit: "h", decimals: 1 },
  SPEED: { label: "Speed", name: "Speed over the ground", unit: "km/h", decimals: 1 },
  ALTITUDE: { label: "Altitude", name: "Height above sea level", unit: "m", decimals: 0 },
  BATTERY_VOLTAGE: { label: "Battery", name: "Battery or supply voltage", unit: "V", decimals: 2 },
  SIGNAL_STRENGTH: { label: "Signal strength", name: "Received signal strength", unit: "dBm", decimals: 0 },
  SATELLITES: { label: "Satellites", name: "Satellites in the position fix", unit: "", decimals: 0 },
  GPS_UPDATED: { label: "GPS updated", name: "Whether the position is new", unit: "", decimals: 0 },
  UPTIME: { label: "Uptime", name: "Time since the logger started", unit: "ms", decimals: 0 },
  SAMPLE_COUNTER: { label: "Sample counter", name: "Sequence number of the sample", unit: "", decimals: 0 },
  ACCELEROMETER_SAMPLES: {
    label: "Accelerometer samples",
    name: "Accelerometer readings in the sample",
    unit: "",
    decimals: 0,
  },
  ACCELERATION_MAGNITUDE: {
    label: "Acceleration",
    name: "Magnitude of the acceleration",
    unit: "",
    decimals: 2,
  },
  ACCELERATION_X: { label: "Acceleration x", name: "Acceleration along the x axis", unit: "", decimals: 0 },
  ACCELERATION_Y: { label: "Acceleration y", name: "Acceleration along the y axis", unit: "", decimals: 0 },
  ACCELERATION_Z: { label: "Acceleration z", name: "Acceleration along the z axis", unit: "", decimals: 0 },
  ROTATION_MAGNITUDE: { label: "Rotation", name: "Magnitude of the rotation", unit: "", decimals: 2 },
  ROTATION_X: { label: "Rotation x", name: "Rotation about the x axis", unit: "", decimals: 0 },
  ROTATION_Y: { label: "Rotation y", name: "Rotation about the y axis", unit: "", decimals: 0 },
  ROTATION_Z: { label: "Rotation z", name: "Rotation about the z axis", unit: "", decimals: 0 },
};

export function isQuantity(text: string): text is Quantity {
  return Object.hasOwn(QUANTITIES, text);
}
