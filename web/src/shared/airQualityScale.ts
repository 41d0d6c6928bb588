import type { AirQualityScale } from "../graphql/generated/explorer";

export interface ScaleInfo {
  label: string;
  /** Averaging period as text, for "index of the last 24 hours". */
  averaging: string;
}

export const SCALES: Record<AirQualityScale, ScaleInfo> = {
  EUROPEAN_AQI: { label: "European index", averaging: "1 hour" },
  UK_DAQI: { label: "UK daily index", averaging: "24 hours" },
  US_EPA: { label: "US EPA index", averaging: "24 hours" },
  US_NOWCAST: { label: "US EPA NowCast", averaging: "12 hours, recent ones weigh more" },
};

export function isScale(text: string): text is AirQualityScale {
  return Object.hasOwn(SCALES, text);
}
