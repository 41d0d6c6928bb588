import { QUANTITIES, type Quantity } from "./quantity";

/** Texts are English; times have 24 hours and the time zone of the browser. */
const LOCALE = "en-GB";

/** Thin space between groups of digits and before units, which does not break. */
export const NARROW_SPACE = "\u202f";

const numberFormats = new Map<string, Intl.NumberFormat>();
const timeFormats = new Map<string, Intl.DateTimeFormat>();

// Making a formatter takes about 60 times as long as a text of it, so each is made once.
function numberFormat(minimum: number, maximum: number): Intl.NumberFormat {
  const key = `${minimum}-${maximum}`;
  const format =
    numberFormats.get(key) ??
    new Intl.NumberFormat(LOCALE, { minimumFractionDigits: minimum, maximumFractionDigits: maximum });
  numberFormats.set(key, format);
  return format;
}

/** The formatter of times with these options. */
export function timeFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify(options);
  const format = timeFormats.get(key) ?? new Intl.DateTimeFormat(LOCALE, options);
  timeFormats.set(key, format);
  return format;
}

/** Value with `minimum` to `maximum` decimal places. */
export function formatDecimal(value: number, minimum: number, maximum: number): string {
  const text = numberFormat(minimum, maximum).format(value);
  return text.replaceAll(",", NARROW_SPACE).replace(/^-(?=0(?:\.0*)?$)/, "").replace("-", "−");
}

/** Value with at most `decimals` places; fewer for values of 100 and more. */
export function formatNumber(value: number, decimals = 1): string {
  const places = Math.abs(value) >= 100 ? 0 : decimals;
  return formatDecimal(value, places, places);
}

/** Value of a quantity without its unit; `–` without a value. */
export function formatValue(value: number | null | undefined, quantity: Quantity): string {
  return value == null ? "–" : formatNumber(value, QUANTITIES[quantity].decimals);
}

/** Value of a quantity with its unit, such as `12.4 µg/m³`; `no value` without one. */
export function formatValueWithUnit(value: number | null | undefined, quantity: Quantity): string {
  const { unit } = QUANTITIES[quantity];
  if (value == null) {
    return "no value";
  }
  const number = formatValue(value, quantity);
  return unit === "" ? number : `${number}${unit === "°" ? "" : NARROW_SPACE}${unit}`;
}

/** Integer with grouped digits. */
export function formatCount(count: number): string {
  return formatNumber(Math.round(count), 0);
}

/** Share of 0 to 1 as a percentage; never 100 % when something is missing. */
export function formatShare(share: number): string {
  const percent = share >= 1 ? 100 : Math.min(Math.round(share * 100), 99);
  return `${percent}${NARROW_SPACE}%`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Age of a time, such as `3 min ago`, `2 h ago` or `5 days ago`. Both are milliseconds since 1970. */
export function formatAge(time: number, now: number): string {
  const age = now - time;
  if (age < -MINUTE) {
    return "in the future";
  }
  if (age < MINUTE) {
    return "just now";
  }
  return `${formatDuration(age / SECOND)} ago`;
}

/** Duration in its largest unit, such as `45 s`, `12 min`, `3 h`, `5 days`. */
export function formatDuration(seconds: number): string {
  const milliseconds = seconds * SECOND;
  if (milliseconds < MINUTE) {
    return `${Math.floor(seconds)} s`;
  }
  if (milliseconds < HOUR) {
    return `${Math.floor(milliseconds / MINUTE)} min`;
  }
  if (milliseconds < 2 * DAY) {
    return `${Math.floor(milliseconds / HOUR)} h`;
  }
  const days = Math.floor(milliseconds / DAY);
  return days < 730 ? `${days} days` : `${Math.floor(days / 365)} years`;
}

/** Length of a path in metres, as `850 m` or `12.3 km`. */
export function formatDistance(metres: number): string {
  return metres < 1000
    ? `${Math.round(metres)}${NARROW_SPACE}m`
    : `${formatNumber(metres / 1000, 1)}${NARROW_SPACE}km`;
}

/** A time as `29 Nov, 14:05`, with the year when it is not that of `now`. */
export function formatTime(time: string | number, now: number, timeZone?: string): string {
  const date = new Date(time);
  const withYear = date.getFullYear() !== new Date(now).getFullYear();
  return timeFormat({
    day: "numeric",
    month: "short",
    ...(withYear && { year: "numeric" }),
    hour: "2-digit",
    minute: "2-digit",
    ...(timeZone !== undefined && { timeZone }),
  }).format(date);
}

/** Length of a span in hours, as `1 hour`, `24 hours`, `7 days`. */
export function formatHours(hours: number): string {
  if (hours < 1) {
    return plural(Math.round(hours * 60), "minute");
  }
  if (hours > 24 && hours % 24 === 0) {
    return plural(hours / 24, "day");
  }
  return plural(Math.round(hours * 10) / 10, "hour");
}

/** Text with an upper-case first letter. */
export function capitalise(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

export function plural(count: number, noun: string): string {
  return `${count < 10_000 ? count : formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
