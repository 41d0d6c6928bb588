import type { Quantity } from "../graphql/generated/explorer";

export type { AirQualityScale, Quantity } from "../graphql/generated/explorer";

export interface QuantityInfo {
  /** Short name, such as `PM2.5`. */
  label: string;
  /** Unit as people write it; empty for a number without unit. */
  unit: string;
  /** Decimal places of a value. */
  decimals: number;
}

/** Every quantity of the schema. The order is that of menus. */
export const QUANTITIES: Record<Quantity, QuantityInfo> = {
  PM2_5: { label: "PM2.5", unit: "µg/m³", decimals: 1 },
  PM10: { label: "PM10", unit: "µg/m³", decimals: 1 },
  PM1: { label: "PM1", unit: "µg/m³", decimals: 1 },
  PM4: { label: "PM4", unit: "µg/m³", decimals: 1 },
  PARTICLES_0_3: { label: "Particles > 0.3 µm", unit: "per dl", decimals: 0 },
  NO2: { label: "NO₂", unit: "µg/m³", decimals: 1 },
  O3: { label: "O₃", unit: "µg/m³", decimals: 1 },
  CO: { label: "CO", unit: "mg/m³", decimals: 2 },
  CO2: { label: "CO₂", unit: "ppm", decimals: 0 },
  VOC_INDEX: { label: "VOC index", unit: "", decimals: 0 },
  NOX_INDEX: { label: "NOx index", unit: "", decimals: 0 },
  TEMPERATURE: { label: "Temperature", unit: "°C", decimals: 1 },
  AMBIENT_TEMPERATURE: { label: "Ambient temperature", unit: "°C", decimals: 1 },
  HUMIDITY: { label: "Humidity", unit: "%", decimals: 0 },
  PRESSURE: { label: "Pressure", unit: "hPa", decimals: 1 },
  DEW_POINT: { label: "Dew point", unit: "°C", decimals: 1 },
  NOISE: { label: "Noise", unit: "dB(A)", decimals: 0 },
  ILLUMINANCE: { label: "Illuminance", unit: "lx", decimals: 0 },
  WIND_SPEED: { label: "Wind speed", unit: "m/s", decimals: 1 },
  WIND_GUST: { label: "Wind gust", unit: "m/s", decimals: 1 },
  WIND_DIRECTION: { label: "Wind direction", unit: "°", decimals: 0 },
  RAIN: { label: "Rain", unit: "mm", decimals: 1 },
  SUNSHINE: { label: "Sunshine", unit: "h", decimals: 1 },
  SPEED: { label: "Speed", unit: "km/h", decimals: 1 },
  ALTITUDE: { label: "Altitude", unit: "m", decimals: 0 },
  BATTERY_VOLTAGE: { label: "Battery", unit: "V", decimals: 2 },
  SIGNAL_STRENGTH: { label: "Signal strength", unit: "dBm", decimals: 0 },
  SATELLITES: { label: "Satellites", unit: "", decimals: 0 },
  GPS_UPDATED: { label: "GPS updated", unit: "", decimals: 0 },
  UPTIME: { label: "Uptime", unit: "ms", decimals: 0 },
  SAMPLE_COUNTER: { label: "Sample counter", unit: "", decimals: 0 },
  ACCELEROMETER_SAMPLES: { label: "Accelerometer samples", unit: "", decimals: 0 },
  ACCELERATION_MAGNITUDE: { label: "Acceleration", unit: "", decimals: 2 },
  ACCELERATION_X: { label: "Acceleration x", unit: "", decimals: 0 },
  ACCELERATION_Y: { label: "Acceleration y", unit: "", decimals: 0 },
  ACCELERATION_Z: { label: "Acceleration z", unit: "", decimals: 0 },
  ROTATION_MAGNITUDE: { label: "Rotation", unit: "", decimals: 2 },
  ROTATION_X: { label: "Rotation x", unit: "", decimals: 0 },
  ROTATION_Y: { label: "Rotation y", unit: "", decimals: 0 },
  ROTATION_Z: { label: "Rotation z", unit: "", decimals: 0 },
};

export function isQuantity(text: string): text is Quantity {
  return Object.hasOwn(QUANTITIES, text);
}
