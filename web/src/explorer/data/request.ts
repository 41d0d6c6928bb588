import type { MapQueryVariables } from "../../graphql/generated/explorer";
import { quantityOf } from "../layer";
import type { Bounds } from "../map/resolution";
import type { Quantity, View } from "../view";
import { MAX_FINE_CELL_HOURS, MAX_HOURS_WITHOUT_SUMS, MAX_TRIP_HOURS, ROLLUP_RESOLUTION } from "./limits";
import { groupOf } from "./reading";
import { endOf, hoursOf, isHistoric, spanOfView } from "./span";

/** Maximum number of devices: the search for the latest value of a quantity, and an index, cost more than the latest sample. */
const MAX_DEVICES = 500;
const MAX_DEVICES_WITH_SEARCH = 100;

/** Trips are drawn from this zoom on. */
const MIN_TRIP_ZOOM = 10;
/** Points of a trip's line by zoom: a line of some hundred pixels needs no more. */
const TRIP_POINTS = [
  { minZoom: 13.5, points: 120 },
  { minZoom: 11.5, points: 60 },
  { minZoom: 0, points: 30 },
] as const;

/** The variables of the map's request. `now` is in milliseconds since 1970. */
export function mapVariables(
  view: View,
  map: { area: Bounds; zoom: number; resolution: number },
  now: number,
): MapQueryVariables {
  const { layer } = view;
  const quantity = quantityOf(layer);
  const isIndex = layer.kind === "index";
  const group = groupOf(quantity);
  const hasSums = isIndex || group === null;
  const whole = spanOfView(view, now);
  const measuredAt = hasSums ? whole : endOf(whole, MAX_HOURS_WITHOUT_SUMS);
  const tripSpan = endOf(whole, MAX_TRIP_HOURS);
  const maxResolution = hoursOf(measuredAt) > MAX_FINE_CELL_HOURS ? ROLLUP_RESOLUTION : Number.POSITIVE_INFINITY;
  // Nearly every sample has particulates, so the latest one is enough.
  const searches = !hasSums && !isHistoric(view);
  const isColoured = (pollutant: Quantity) => layer.kind === "quantity" && layer.quantity === pollutant;
  return {
    area: { boundingBox: map.area },
    measuredAt,
    resolution: Math.min(map.resolution, maxResolution),
    quantity,
    latestOf: searches ? quantity : null,
    maxDevices: searches || isIndex ? MAX_DEVICES_WITH_SEARCH : MAX_DEVICES,
    scale: layer.kind === "index" ? layer.scale : "UK_DAQI",
    at: view.at ?? (view.range.kind === "between" ? view.range.to : null),
    withIndex: isIndex,
    withWeather: group === "weather",
    withAmbient: group === "ambient",
    withTrips: view.trips && map.zoom >= MIN_TRIP_ZOOM,
    tripSpan,
    tripPoints: TRIP_POINTS.find(({ minZoom }) => map.zoom >= minZoom)?.points ?? 0,
    withPm25: isColoured("PM2_5"),
    withPm10: isColoured("PM10"),
  };
}
