// The view: everything that the address bar holds. See address.ts for its form there.
import type { AirQualityScale, Quantity } from "../shared/quantity";

export type { AirQualityScale, Quantity };

/** The value that colours the map. */
export type Layer =
  | { kind: "quantity"; quantity: Quantity }
  | { kind: "index"; scale: AirQualityScale };

/** The span of time of map and panels: the last hours, or between two times (RFC 3339). */
export type Range =
  | { kind: "recent"; hours: number }
  | { kind: "between"; from: string; to: string };

export type Subject =
  | { kind: "device"; key: string }
  /** H3 index. */
  | { kind: "cell"; cell: string }
  /** Global id of the trip. */
  | { kind: "trip"; id: string };

export interface Camera {
  longitude: number;
  latitude: number;
  zoom: number;
}

export interface View {
  /** Null before the first map: the map then fits the devices. */
  camera: Camera | null;
  layer: Layer;
  range: Range;
  /** Time of the slider (RFC 3339): the map shows the step of the range that ends here. Null: the whole range. */
  at: string | null;
  /** Subjects of the panels; several are compared. At most `MAX_SUBJECTS`. */
  subjects: readonly Subject[];
  tab: "map" | "table";
  /** Whether new measurements are shown as they arrive. */
  live: boolean;
  /** Whether trips are drawn. */
  trips: boolean;
  /** Bounds of the classes of the legend, ascending; null: those of the quantity. */
  steps: readonly number[] | null;
  /** Indices of the classes that are shown; null: all. */
  classes: readonly number[] | null;
  /** In a frame of another page: without header, table and key. */
  embed: boolean;
}

/** A moment of a subject under the pointer, in a chart or on the map. */
export interface Hover {
  subject: Subject;
  /** RFC 3339. */
  time: string;
  longitude?: number;
  latitude?: number;
}

export const MAX_SUBJECTS = 6;

export const DEFAULT_VIEW: View = {
  camera: null,
  layer: { kind: "quantity", quantity: "PM2_5" },
  range: { kind: "recent", hours: 24 },
  at: null,
  subjects: [],
  tab: "map",
  live: true,
  trips: true,
  steps: null,
  classes: null,
  embed: false,
};

/** Text that identifies a subject, such as `device:bike-07`. */
export function subjectKey(subject: Subject): string {
  switch (subject.kind) {
    case "device":
      return `device:${subject.key}`;
    case "cell":
      return `cell:${subject.cell}`;
    case "trip":
      return `trip:${subject.id}`;
  }
}

export function sameSubject(one: Subject, other: Subject): boolean {
  return subjectKey(one) === subjectKey(other);
}

/** The range as times (RFC 3339): `to` is exclusive. `now` is in milliseconds since 1970. */
export function spanOf(range: Range, now: number): { from: string; to: string } {
  return range.kind === "between"
    ? { from: range.from, to: range.to }
    : {
        from: new Date(now - range.hours * 3_600_000).toISOString(),
        to: new Date(now).toISOString(),
      };
}
