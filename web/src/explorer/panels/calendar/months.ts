// Days of a calendar. A day is an ISO date (`2026-11-29`) of local time.
import { timeFormat } from "../../../shared/format";

export interface CalendarDay {
  date: string;
  mean: number | null;
  count: number;
  coverage: number | null;
}

export interface Month {
  /** `2026-11`. */
  key: string;
  /** Weeks from Monday to Sunday; null outside of the month. */
  weeks: (CalendarDay | null)[][];
}

/** The months from that of `from` to that of `to` (ISO dates, inclusive), with the days that have data. */
export function monthsOf(days: readonly CalendarDay[], from: string, to: string): Month[] {
  const known = new Map(days.map((day) => [day.date, day]));
  const months: Month[] = [];
  const [startYear = 0, startMonth = 1] = from.split("-").map(Number);
  const last = to.slice(0, 7);
  for (let index = startMonth - 1; ; index++) {
    const key = new Date(Date.UTC(startYear, index, 1)).toISOString().slice(0, 7);
    if (key > last) {
      return months;
    }
    months.push({ key, weeks: weeksOf(key, known) });
  }
}

function weeksOf(month: string, known: ReadonlyMap<string, CalendarDay>): (CalendarDay | null)[][] {
  const [year = 0, number = 1] = month.split("-").map(Number);
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  const firstWeekday = (new Date(Date.UTC(year, number - 1, 1)).getUTCDay() + 6) % 7;
  const cells: (CalendarDay | null)[] = Array.from({ length: firstWeekday }, () => null);
  for (let day = 1; day <= length; day++) {
    const date = `${month}-${String(day).padStart(2, "0")}`;
    cells.push(known.get(date) ?? { date, mean: null, count: 0, coverage: null });
  }
  while (cells.length % 7 !== 0) {
    cells.push(null);
  }
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}

/** The date `months` before that of a local time, on the first of its month. */
export function monthsBefore(date: string, months: number): string {
  const [year = 0, month = 1] = date.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1 - months, 1)).toISOString().slice(0, 10);
}

/** The local date of a time. */
export function localDate(time: number): string {
  const date = new Date(time);
  const pad = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** Start of a local day, as RFC 3339. */
export function startOfDay(date: string): string {
  const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
  return new Date(year, month - 1, day).toISOString();
}

/** Start of the next local day, as RFC 3339: 23 to 25 hours later. */
export function endOfDay(date: string): string {
  const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
  return new Date(year, month - 1, day + 1).toISOString();
}

export function monthTitle(key: string): string {
  return timeFormat({ month: "long", year: "numeric", timeZone: "UTC" }).format(
    new Date(`${key}-01T00:00:00Z`),
  );
}

export function dayTitle(date: string): string {
  return timeFormat({
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  }).format(new Date(`${date}T00:00:00Z`));
}
