import type { AirQualityScale } from "../view";

/** A band of a published scale: its index values, official name and official colour. */
export interface Band {
  /** Largest index value of the band. */
  to: number;
  name: string;
  colour: string;
}

const US_EPA: readonly Band[] = [
  { to: 50, name: "Good", colour: "#00e400" },
  { to: 100, name: "Moderate", colour: "#ffff00" },
  { to: 150, name: "Unhealthy for Sensitive Groups", colour: "#ff7e00" },
  { to: 200, name: "Unhealthy", colour: "#ff0000" },
  { to: 300, name: "Very Unhealthy", colour: "#8f3f97" },
  { to: 500, name: "Hazardous", colour: "#7e0023" },
];

/** The bands of each scale, as the gateway returns them: `src/air_quality_index/` of the crate airgraph-domain. */
export const BANDS: Record<AirQualityScale, readonly Band[]> = {
  EUROPEAN_AQI: [
    { to: 1, name: "Good", colour: "#50f0e6" },
    { to: 2, name: "Fair", colour: "#50ccaa" },
    { to: 3, name: "Moderate", colour: "#f0e641" },
    { to: 4, name: "Poor", colour: "#ff5050" },
    { to: 5, name: "Very poor", colour: "#960032" },
    { to: 6, name: "Extremely poor", colour: "#7d2181" },
  ],
  UK_DAQI: [
    { to: 1, name: "Low", colour: "#9cff9c" },
    { to: 2, name: "Low", colour: "#31ff00" },
    { to: 3, name: "Low", colour: "#31cf00" },
    { to: 4, name: "Moderate", colour: "#ffff00" },
    { to: 5, name: "Moderate", colour: "#ffcf00" },
    { to: 6, name: "Moderate", colour: "#ff9a00" },
    { to: 7, name: "High", colour: "#ff6464" },
    { to: 8, name: "High", colour: "#ff0000" },
    { to: 9, name: "High", colour: "#990000" },
    { to: 10, name: "Very High", colour: "#ce30ff" },
  ],
  US_EPA,
  US_NOWCAST: US_EPA,
};
