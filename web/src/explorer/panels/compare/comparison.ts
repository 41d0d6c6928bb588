import type {
  CompareBucketFragment,
  ComparePanelQuery,
  CompareTotalFragment,
  IndexFieldsFragment,
} from "../../../graphql/generated/panels";
import { resolutionOf } from "../../h3";
import { type Subject, subjectKey } from "../../view";
import { formatMoment } from "../data/labels";
import { seconds } from "../data/series";
import { type TotalGroup, totalOf } from "../data/total";
import { isElapsed, SLOTS } from "./variables";

export interface ComparedSubject {
  subject: Subject;
  name: string;
  total: TotalGroup;
  /** Index of a device. Null: not requested. */
  index: IndexFieldsFragment | null;
  place: { longitude: number; latitude: number } | null;
}

export interface Comparison {
  subjects: readonly ComparedSubject[];
  /** Seconds since 1970, or minutes since the start. */
  x: readonly number[];
  /** Start of each subject's bucket at each x, in seconds since 1970. */
  starts: readonly (readonly (number | null)[])[];
  lines: readonly (readonly (number | null)[])[];
  elapsed: boolean;
}

/** The subjects with their means at common positions on the x axis. */
export function comparisonOf(subjects: readonly Subject[], data: ComparePanelQuery): Comparison {
  const elapsed = isElapsed(subjects);
  const series = subjects.map((_, index) => pointsOf(seriesOf(data, index), elapsed));
  const x = [...new Set(series.flatMap((points) => [...points.keys()]))].toSorted((one, other) => one - other);
  return {
    subjects: subjects.map((subject, index) => ({
      subject,
      total: totalOf(totalsOf(data, index)),
      ...describeSubject(subject, data),
    })),
    x,
    starts: series.map((points) => x.map((at) => points.get(at)?.start ?? null)),
    lines: series.map((points) => x.map((at) => points.get(at)?.mean ?? null)),
    elapsed,
  };
}

function pointsOf(
  buckets: readonly CompareBucketFragment[],
  elapsed: boolean,
): Map<number, { start: number; mean: number | null }> {
  const origin = seconds(buckets[0]?.start ?? "");
  return new Map(
    buckets.flatMap(({ start, end, quantity }) => {
      if (start === null || end === null) {
        return [];
      }
      const from = seconds(start);
      const at = elapsed ? Math.round((from - origin) / 60) : (from + seconds(end)) / 2;
      return [[at, { start: from, mean: quantity.mean }] as const];
    }),
  );
}

function seriesOf(data: ComparePanelQuery, index: number): readonly CompareBucketFragment[] {
  const slot = SLOTS[index];
  return (slot && data[`series${slot}`]) ?? [];
}

function totalsOf(data: ComparePanelQuery, index: number): readonly CompareTotalFragment[] {
  const slot = SLOTS[index];
  return (slot && data[`total${slot}`]) ?? [];
}

function describeSubject(
  subject: Subject,
  data: ComparePanelQuery,
): Pick<ComparedSubject, "name" | "index" | "place"> {
  switch (subject.kind) {
    case "device": {
      const device = data.devices.nodes.find(({ key }) => key === subject.key);
      const { latitude, longitude } = device ?? {};
      return {
        name: device?.name ?? subject.key,
        index: device?.airQualityIndex ?? null,
        place: latitude != null && longitude != null ? { latitude, longitude } : null,
      };
    }
    case "cell":
      return {
        name: `Cell ${subject.cell.slice(0, 3 + resolutionOf(subject.cell))}`,
        index: null,
        place: null,
      };
    case "trip": {
      const trip = data.trips.find((node) => node !== null && "id" in node && node.id === subject.id);
      return {
        name:
          trip && "device" in trip
            ? `${trip.device.name ?? trip.device.key}, ${formatMoment(seconds(trip.start))}`
            : `Trip ${subjectKey(subject).slice(-6)}`,
        index: null,
        place: null,
      };
    }
  }
}
