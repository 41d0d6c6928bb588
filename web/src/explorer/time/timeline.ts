// The steps of the slider: the range is divided into steps of a round length, aligned to local midnight where possible.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Lengths of steps, in milliseconds. */
const STEP_LENGTHS = [
  MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  7 * DAY,
  28 * DAY,
  91 * DAY,
  364 * DAY,
] as const;
const MAX_STEPS = 60;

export interface Span {
  /** RFC 3339, inclusive. */
  from: string;
  /** RFC 3339, exclusive. */
  to: string;
}

/** The shortest step that divides the span into at most `MAX_STEPS`, in milliseconds. */
export function stepLength(span: Span): number {
  const length = Date.parse(span.to) - Date.parse(span.from);
  return STEP_LENGTHS.find((step) => length / step <= MAX_STEPS) ?? length / MAX_STEPS;
}

/** Ends of the steps of a span, ascending (RFC 3339); the last one is the first round time at or after its end. */
export function stepEnds(span: Span): string[] {
  const step = stepLength(span);
  const from = Date.parse(span.from);
  const to = Date.parse(span.to);
  const offset = new Date(from).getTimezoneOffset() * MINUTE;
  const first = Math.floor((from - offset) / step) * step + offset + step;
  const ends: string[] = [];
  for (let end = first; end < to + step && ends.length <= MAX_STEPS; end += step) {
    ends.push(new Date(end).toISOString());
  }
  return ends;
}

/** The span of the step that ends at `at`. */
export function stepSpan(span: Span, at: string): Span {
  const end = Date.parse(at);
  return { from: new Date(end - stepLength(span)).toISOString(), to: new Date(end).toISOString() };
}

/** Index of the step that ends at or first after `at`; -1 without one. */
export function stepIndex(ends: readonly string[], at: string): number {
  const time = Date.parse(at);
  return ends.findIndex((end) => Date.parse(end) >= time);
}
