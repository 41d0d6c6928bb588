import { formatHours, formatTime } from "../../shared/format";
import type { Range } from "../view";
import type { Span } from "./timeline";

/** Ranges of the time bar, in hours. */
export const PRESETS: readonly { hours: number; label: string; name: string }[] = [
  { hours: 1, label: "1 h", name: "last hour" },
  { hours: 24, label: "24 h", name: "last 24 hours" },
  { hours: 168, label: "7 d", name: "last 7 days" },
  { hours: 720, label: "30 d", name: "last 30 days" },
  { hours: 8760, label: "1 y", name: "last year" },
];

/** A range as text: `the last 24 hours`, or its times. */
export function rangeLabel(range: Range): string {
  return range.kind === "recent" ? `the last ${formatHours(range.hours)}` : spanLabel(range, Date.now());
}

/** A span as text: `29 Nov, 14:00–15:00`, `28 Nov, 23:00 – 29 Nov, 01:00` or `29 Nov` for a whole day. */
export function spanLabel({ from, to }: Span, now: number): string {
  const start = formatTime(from, now);
  const end = formatTime(to, now);
  const [startDay, startTime] = start.split(", ");
  const [endDay, endTime] = end.split(", ");
  const days = Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
  if (startTime === "00:00" && endTime === "00:00" && days >= 1) {
    const last = formatTime(Date.parse(to) - 1, now).split(", ")[0];
    return days === 1 ? `${startDay}` : `${startDay} – ${last}`;
  }
  return startDay === endDay ? `${startDay}, ${startTime}–${endTime}` : `${start} – ${end}`;
}
