import type { ComparePanelQueryVariables, MeasurementFilter } from "../../../graphql/generated/panels";
import type { Subject } from "../../view";
import type { PanelSettings } from "../context";

/** Buckets of a compared series. */
const MAX_BUCKETS = 200;

type Slot = 1 | 2 | 3 | 4 | 5 | 6;

export const SLOTS: readonly Slot[] = [1, 2, 3, 4, 5, 6];

/** Whether the subjects are compared by the time since their start instead of the time of day. */
export function isElapsed(subjects: readonly Subject[]): boolean {
  return subjects.every(({ kind }) => kind === "trip");
}

/** Variables of the comparison: each subject has the filter of its slot, in order. */
export function compareVariables(
  subjects: readonly Subject[],
  { span, quantity, timeZone, scale, indexTime }: Pick<PanelSettings, "span" | "quantity" | "timeZone" | "scale" | "indexTime">,
): ComparePanelQueryVariables {
  const elapsed = isElapsed(subjects);
  const slots = Object.fromEntries(
    subjects.flatMap((subject, index) => [
      [`filter${index + 1}`, filterOf(subject, elapsed ? null : span)],
      [`use${index + 1}`, true],
    ]),
  );
  return {
    every: elapsed ? "MINUTE" : "AUTO",
    maxBuckets: elapsed ? null : MAX_BUCKETS,
    timeZone,
    quantity,
    scale,
    at: indexTime,
    keys: subjects.flatMap((subject) => (subject.kind === "device" ? [subject.key] : [])),
    trips: subjects.flatMap((subject) => (subject.kind === "trip" ? [subject.id] : [])),
    ...slots,
  };
}

/** The measurements of a subject in a span. A trip without a span is compared as a whole. */
function filterOf(subject: Subject, span: { from: string; to: string } | null): MeasurementFilter {
  const time = span === null ? {} : { measuredAt: span };
  switch (subject.kind) {
    case "device":
      return { devices: [subject.key], ...time };
    case "cell":
      return { area: { cells: [subject.cell] }, ...time };
    case "trip":
      return { trip: subject.id, ...time };
  }
}
