import type { AirQualityScale } from "../graphql/generated/explorer";

export interface ScaleInfo {
  label: string;
  /** Averaging period as text, for "index of the last 24 hours". */
  averaging: string;
  /** Length of the averaging period, in hours. */
  hours: number;
}

export const SCALES: Record<AirQualityScale, ScaleInfo> = {
  EUROPEAN_AQI: { label: "European index", averaging: "1 hour", hours: 1 },
  UK_DAQI: { label: "UK daily index", averaging: "24 hours", hours: 24 },
  US_EPA: { label: "US EPA index", averaging: "24 hours", hours: 24 },
  US_NOWCAST: { label: "US EPA NowCast", averaging: "12 hours, recent ones weigh more", hours: 12 },
};

export function isScale(text: string): text is AirQualityScale {
  return Object.hasOwn(SCALES, text);
}
