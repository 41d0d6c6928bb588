import type { QualityFlag, Quantity } from "../../../graphql/generated/panels";

export interface FlagInfo {
  label: string;
  /** When the gateway sets it. */
  meaning: string;
  /** What it means for means, percentiles and counts. */
  effect: string;
}

const COUNTS = "counts";

/** Quality flags, in the order of docs/science.md. */
export const FLAGS: Record<QualityFlag, FlagInfo> = {
  OUT_OF_RANGE: {
    label: "Out of range",
    meaning: "a value is outside the range of its quantity",
    effect: "the value is left out",
  },
  NULL_ISLAND: {
    label: "Position (0, 0)",
    meaning: "the receiver had no fix",
    effect: "the position is left out",
  },
  PM25_ABOVE_PM10: {
    label: "PM2.5 above PM10",
    meaning: "PM2.5 is larger than PM10, of which it is a part",
    effect: COUNTS,
  },
  STALE_FIX: {
    label: "Old position",
    meaning: "the receiver repeated its previous position",
    effect: "counts; left out of the paths of trips",
  },
  AMBIGUOUS_PACKET: {
    label: "Ambiguous packet",
    meaning: "the next packet contradicts the end of this one",
    effect: "counts; left out of the paths of trips",
  },
  IMPLAUSIBLE_SPEED: {
    label: "Implausible speed",
    meaning: "more than 200 km/h since the previous sample",
    effect: COUNTS,
  },
  HIGH_HUMIDITY: {
    label: "High humidity",
    meaning: "relative humidity above 75 %, which inflates optical particulate readings",
    effect: COUNTS,
  },
  STUCK_VALUE: {
    label: "Stuck value",
    meaning: "PM2.5 and PM10 have not changed for 3 hours",
    effect: COUNTS,
  },
  SPIKE: {
    label: "Spike",
    meaning: "particulates rose at least fivefold, by 200 µg/m³ or more, within 5 minutes",
    effect: COUNTS,
  },
  ESTIMATED_TIME: {
    label: "Estimated time",
    meaning: "the sensor sent no time",
    effect: COUNTS,
  },
  LATE: {
    label: "Late",
    meaning: "the sample arrived more than a day after it was taken",
    effect: COUNTS,
  },
};

const PARTICULATES: readonly Quantity[] = ["PM1", "PM2_5", "PM4", "PM10", "PARTICLES_0_3"];

export function isParticulate(quantity: Quantity): boolean {
  return PARTICULATES.includes(quantity);
}

/**
 * Flags that cast doubt on single values of a quantity, marked in its chart. High humidity lasts for days in some climates;
 * it is counted in the statistics instead.
 */
export function markedFlags(quantity: Quantity): QualityFlag[] {
  return isParticulate(quantity)
    ? ["OUT_OF_RANGE", "SPIKE", "STUCK_VALUE", "PM25_ABOVE_PM10"]
    : ["OUT_OF_RANGE"];
}

/** Label within a sentence: `spike`, but `PM2.5 above PM10`. */
export function flagPhrase(flag: QualityFlag): string {
  const { label } = FLAGS[flag];
  return label.startsWith("PM") ? label : `${label.charAt(0).toLowerCase()}${label.slice(1)}`;
}

/** Flags as text: `2 spike, 1 out of range`. */
export function formatFlags(flags: readonly { flag: QualityFlag; count: number }[]): string {
  return flags.map(({ flag, count }) => `${count} ${flagPhrase(flag)}`).join(", ");
}
