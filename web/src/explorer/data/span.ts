import { type Span, stepSpan } from "../time/timeline";
import { spanOf, type View } from "../view";

const HOUR = 3_600_000;

/** The span that the view shows: of the range, or of a step. `now` is in milliseconds since 1970. */
export function spanOfView(view: View, now: number): Span {
  const span = spanOf(view.range, now);
  return view.at === null ? span : stepSpan(span, view.at);
}

/** Whether devices have no latest value, as the map shows a time of the past. */
export function isHistoric({ at, range }: View): boolean {
  return at !== null || range.kind === "between";
}

/** The end of a span, at most `hours` long. */
export function endOf(span: Span, hours: number): Span {
  const from = Math.max(Date.parse(span.from), Date.parse(span.to) - hours * HOUR);
  return { from: new Date(from).toISOString(), to: span.to };
}

export function hoursOf({ from, to }: Span): number {
  return (Date.parse(to) - Date.parse(from)) / HOUR;
}
