// What a view of the map leaves out, so that it is one quick request, and the sentences that say so.
import type { MapQuery, MapQueryVariables } from "../../graphql/generated/explorer";
import { formatHours, plural } from "../../shared/format";
import type { Span } from "../time/timeline";
import type { View } from "../view";
import { hoursOf, spanOfView } from "./span";

/** Hourly sums are stored for cells of this resolution. */
export const ROLLUP_RESOLUTION = 9;
/** Longest spans of cells for which every measurement is read, in hours: finer cells, and quantities without hourly sums. */
export const MAX_FINE_CELL_HOURS = 6;
export const MAX_HOURS_WITHOUT_SUMS = 12;
/** Trips are drawn of the end of a longer span, in hours: each of their samples is read. */
export const MAX_TRIP_HOURS = 24;

/** Whether the cells are of less than the span of the view. */
export function isCut(view: View, variables: MapQueryVariables, now: number): boolean {
  return hoursOf(spanOfView(view, now)) > hoursOf(variables.measuredAt as Span);
}

/** What an answer leaves out of the view, as sentences. `resolution` is that of the zoom. */
export function omissionsOf(
  view: View,
  variables: MapQueryVariables,
  data: MapQuery,
  resolution: number,
  now: number,
): string[] {
  const span = variables.measuredAt as Span;
  const sentences: string[] = [];
  if (isCut(view, variables, now)) {
    sentences.push(
      `Only the last ${formatHours(hoursOf(span))}: for longer ranges there are hourly sums of particulate matter only.`,
    );
  }
  if (variables.resolution < resolution) {
    sentences.push(
      variables.resolution === ROLLUP_RESOLUTION && hoursOf(span) > MAX_FINE_CELL_HOURS
        ? `Larger cells: smaller ones need a range of at most ${formatHours(MAX_FINE_CELL_HOURS)}.`
        : "Larger cells: there are too many small ones.",
    );
  }
  if (data.devices.pageInfo.hasNextPage) {
    sentences.push(`Only the ${variables.maxDevices} latest devices.`);
  }
  const trips = tripOmissions(variables, data);
  if (trips.length > 0) {
    sentences.push(`Trips only ${trips.join(", ")}.`);
  }
  return sentences;
}

function tripOmissions(variables: MapQueryVariables, { mobile }: MapQuery): string[] {
  if (!mobile) {
    return [];
  }
  const newest = Math.max(0, ...mobile.nodes.map(({ trips }) => (trips.pageInfo.hasNextPage ? trips.nodes.length : 0)));
  const isShorter = hoursOf(variables.tripSpan as Span) < hoursOf(variables.measuredAt as Span);
  return [
    ...(isShorter ? [`of the last ${formatHours(MAX_TRIP_HOURS)}`] : []),
    ...(mobile.pageInfo.hasNextPage ? [`of the ${plural(mobile.nodes.length, "latest device")}`] : []),
    ...(newest > 0 ? [`the newest ${plural(newest, "trip")} of each device`] : []),
  ];
}
