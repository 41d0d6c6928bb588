import { CALENDAR_MONTHS } from "../calendar/CalendarPanel";
import { localDate, monthsBefore, startOfDay } from "../calendar/months";
import { usePanelSettings } from "../context";

/** Measurements up to which percentiles of profiles are requested: they read each of them. */
const MAX_PERCENTILE_MEASUREMENTS = 20_000;

/** Variables of a subject's second request. `measurements` is the number in the span. */
export function useDetailsVariables(measurements: number) {
  const { span, quantity, timeZone } = usePanelSettings();
  const lastDay = localDate(Date.parse(span.to) - 1);
  return {
    span,
    calendarSpan: { from: startOfDay(monthsBefore(lastDay, CALENDAR_MONTHS)), to: span.to },
    quantity,
    timeZone,
    band: measurements <= MAX_PERCENTILE_MEASUREMENTS,
  };
}
