// Times as text. Times are in seconds since 1970 and shown in the time zone of the browser.
import { timeFormat } from "../../../shared/format";

export const WEEKDAYS = [
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
  "Sunday",
] as const;

const CLOCK: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
const DAY: Intl.DateTimeFormatOptions = { weekday: "short", day: "numeric", month: "short" };

function format(time: number, options: Intl.DateTimeFormatOptions): string {
  return timeFormat(options).format(new Date(time * 1000)).replace(",", "");
}

export function formatClock(time: number, withSeconds = false): string {
  return format(time, withSeconds ? { ...CLOCK, second: "2-digit" } : CLOCK);
}

/** `Fri 27 Nov`, with the year unless it is that of `now` (milliseconds). */
function formatDay(time: number, now = Date.now()): string {
  const withYear = new Date(time * 1000).getFullYear() !== new Date(now).getFullYear();
  return format(time, withYear ? { ...DAY, year: "numeric" } : DAY);
}

export function formatMoment(time: number, withSeconds = false): string {
  return `${formatDay(time)} ${formatClock(time, withSeconds)}`;
}

const DAY_SECONDS = 86_400;

/** A bucket of time: `Fri 27 Nov 08:00–09:00`, `Fri 27 Nov`, `Mon 23 Nov – Sun 29 Nov`. */
export function formatBucket(start: number, end: number | null): string {
  if (end === null) {
    return formatMoment(start, true);
  }
  // A day has 23 to 25 hours.
  if (end - start < DAY_SECONDS - 3600) {
    return `${formatMoment(start)}–${formatClock(end)}`;
  }
  const lastDay = formatDay(end - 1);
  const firstDay = formatDay(start);
  return firstDay === lastDay ? firstDay : `${firstDay} – ${lastDay}`;
}

/** A span: `Sat 28 Nov 16:30 to Sun 29 Nov 16:30`. */
export function formatSpan(from: number, to: number): string {
  const end = formatDay(from) === formatDay(to) ? formatClock(to) : formatMoment(to);
  return `${formatMoment(from)} to ${end}`;
}

/** `08:00–09:00` of hour 8. */
export function formatHourOfDay(hour: number): string {
  const clock = (value: number) => `${String(value).padStart(2, "0")}:00`;
  return `${clock(hour)}–${clock(hour + 1)}`;
}

/** `Monday` of day 1. */
export function formatDayOfWeek(day: number): string {
  return WEEKDAYS[day - 1] ?? "";
}

const INTERVAL_SECONDS: readonly (readonly [number, string])[] = [
  [60, "1 minute"],
  [300, "5 minutes"],
  [600, "10 minutes"],
  [900, "15 minutes"],
  [1800, "30 minutes"],
  [3600, "1 hour"],
  [10_800, "3 hours"],
  [21_600, "6 hours"],
  [43_200, "12 hours"],
  [86_400, "1 day"],
  [604_800, "1 week"],
  [2_592_000, "1 month"],
  [7_776_000, "3 months"],
  [31_536_000, "1 year"],
];

/** The length of a bucket: the nearest of the intervals of the schema. */
export function formatInterval(seconds: number): string {
  const distance = (length: number) => Math.abs(Math.log(length / Math.max(seconds, 1)));
  return INTERVAL_SECONDS.reduce((best, next) =>
    distance(next[0]) < distance(best[0]) ? next : best,
  )[1];
}
