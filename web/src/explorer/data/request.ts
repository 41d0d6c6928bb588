import type { MapQueryVariables } from "../../graphql/generated/explorer";
import { quantityOf } from "../layer";
import type { Bounds } from "../map/resolution";
import { stepSpan } from "../time/timeline";
import { spanOf, type View } from "../view";
import { groupOf } from "./reading";

/** Maximum number of devices: the search for the latest value of a quantity, and an index, cost more than the latest sample. */
const MAX_DEVICES = 500;
const MAX_DEVICES_WITH_SEARCH = 100;

/** Trips are drawn from this zoom on, and in ranges up to this length: a request reads 100,000 samples at most. */
const MIN_TRIP_ZOOM = 10;
const MAX_TRIP_HOURS = 24 * 7;

/** The variables of the map's request. `now` is in milliseconds since 1970. */
export function mapVariables(
  view: View,
  map: { area: Bounds; zoom: number; resolution: number },
  now: number,
): MapQueryVariables {
  const quantity = quantityOf(view.layer);
  const span = spanOf(view.range, now);
  const measuredAt = view.at === null ? span : stepSpan(span, view.at);
  const isIndex = view.layer.kind === "index";
  const group = groupOf(quantity);
  // Nearly every sample has particulates, so the latest one is enough.
  const searches = !isIndex && group !== null;
  const hours = (Date.parse(measuredAt.to) - Date.parse(measuredAt.from)) / 3_600_000;
  return {
    area: { boundingBox: map.area },
    measuredAt,
    resolution: map.resolution,
    quantity,
    latestOf: searches ? quantity : null,
    maxDevices: searches || isIndex ? MAX_DEVICES_WITH_SEARCH : MAX_DEVICES,
    scale: view.layer.kind === "index" ? view.layer.scale : "UK_DAQI",
    at: view.at ?? (view.range.kind === "between" ? view.range.to : null),
    withIndex: isIndex,
    withWeather: group === "weather",
    withAmbient: group === "ambient",
    withTrips: view.trips && map.zoom >= MIN_TRIP_ZOOM && hours <= MAX_TRIP_HOURS,
  };
}
