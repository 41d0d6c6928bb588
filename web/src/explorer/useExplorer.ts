// Data of the explorer: the map's answer with live measurements, as items with colours.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { MapQueryVariables } from "../graphql/generated/explorer";
import { useApiKey } from "../shared/apiKeyStore";
import { cellsOf, type Content, devicesOf, tripsOf, valuesOf } from "./data/content";
import { withMeasurements } from "./data/merge";
import { mapVariables } from "./data/request";
import { isHistoric } from "./data/span";
import { type Extent, useExtent } from "./data/useExtent";
import { type LiveState, useLive } from "./data/useLive";
import { type MapData, useMapData } from "./data/useMapData";
import { type Colouring, colouringOf } from "./legend/colouring";
import { defaultSteps } from "./legend/steps";
import { type Bounds, resolutionFor, snapToTiles } from "./map/resolution";
import { useNow } from "../shared/useNow";
import type { Camera, View } from "./view";

/** What the map shows at the moment. */
export interface Viewport {
  camera: Camera;
  bounds: Bounds;
  /** The extent that the map was fitted to, if any. */
  fit: Bounds | null;
}

export interface Explorer {
  map: MapData;
  extent: Extent;
  variables: MapQueryVariables | null;
  content: Content;
  colouring: Colouring;
  live: LiveState;
  /** Whether the database has no device. */
  empty: boolean;
  /** Time of the newest measurement of all (RFC 3339). */
  newest: string | null;
  /** Time that the range ends at, in milliseconds since 1970. */
  rangeNow: number;
  now: number;
  refresh: () => void;
}

/** After a live measurement the cells are queried again, at most this often, in milliseconds. */
const LIVE_REFRESH_INTERVAL = 10_000;
const MINUTE = 60_000;

export function useExplorer(view: View, viewport: Viewport | null): Explorer {
  const key = useApiKey();
  const now = useNow(15_000);
  const isLive = view.live && view.range.kind === "recent" && view.at === null;
  const rangeNow = Math.ceil(useNow(MINUTE, isLive) / MINUTE) * MINUTE;
  const [refreshes, setRefreshes] = useState(0);
  const refresh = useCallback(() => setRefreshes((count) => count + 1), []);

  // Without a camera in the address the map is fitted to the devices, also to the first one.
  const [firstDevice, setFirstDevice] = useState<"unknown" | "none" | "arrived">("unknown");
  const extent = useExtent(view.camera === null || firstDevice === "arrived", firstDevice === "arrived");
  const fitted = extent.bounds === null || viewport?.fit === extent.bounds;
  const ready = view.camera !== null || (extent.done && fitted);

  const variables = useMemo(() => {
    if (!viewport || !ready) {
      return null;
    }
    const { camera, bounds } = viewport;
    const map = {
      area: snapToTiles(bounds, camera.zoom),
      zoom: camera.zoom,
      resolution: resolutionFor(camera),
    };
    return mapVariables(view, map, rangeNow);
  }, [view, viewport, ready, rangeNow]);

  const map = useMapData(variables, refreshes, key !== "");
  const empty = map.data?.anyDevice.nodes.length === 0;
  useEffect(() => {
    if (map.data) {
      setFirstDevice((before) => (empty ? "none" : before === "none" ? "arrived" : before));
    }
  }, [map.data, empty]);

  const { state: live, measurements } = useLive(
    isLive && variables
      ? {
          area: variables.area,
          withWeather: variables.withWeather,
          withAmbient: variables.withAmbient,
        }
      : null,
    map.data?.feedCursor ?? null,
    key,
    refresh,
  );
  useLiveRefresh(measurements.length === 0 ? null : measurements, refresh);

  const quantity = view.layer.kind === "quantity" ? view.layer.quantity : null;
  const answer = map.data;
  const merged = useMemo(
    () => answer && withMeasurements(answer, measurements, quantity),
    [answer, measurements, quantity],
  );
  const colouring = useMemo(() => {
    const { layer } = view;
    const steps = layer.kind === "quantity" ? (view.steps ?? defaultSteps(layer.quantity, valuesOf(answer?.cells ?? []))) : [];
    return colouringOf(layer, steps);
  }, [view.layer, view.steps, answer?.cells]);
  const historic = isHistoric(view);
  const options = useMemo(
    () => ({ layer: view.layer, colouring, classes: view.classes, historic }),
    [view.layer, colouring, view.classes, historic],
  );
  // Separately: a measurement that arrives changes the devices, not the thousands of cells.
  const cells = useMemo(() => cellsOf(answer?.cells ?? [], options), [answer?.cells, options]);
  const devices = useMemo(() => devicesOf(merged?.devices.nodes ?? [], options), [merged?.devices.nodes, options]);
  const trips = useMemo(() => tripsOf(answer?.mobile, options), [answer?.mobile, options]);
  const content = useMemo(() => ({ cells, devices, trips }), [cells, devices, trips]);

  return {
    map,
    extent,
    variables,
    content,
    colouring,
    live,
    empty,
    newest: map.data?.anyDevice.nodes[0]?.latest?.measuredAt ?? null,
    rangeNow,
    now: Math.max(now, rangeNow - MINUTE),
    refresh,
  };
}

/** Calls `refresh` after `change` changes, at once and then at most every `LIVE_REFRESH_INTERVAL`. */
function useLiveRefresh(change: unknown, refresh: () => void): void {
  const lastRefresh = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (change === null || timer.current !== undefined) {
      return;
    }
    const wait = Math.max(0, lastRefresh.current + LIVE_REFRESH_INTERVAL - Date.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      lastRefresh.current = Date.now();
      refresh();
    }, wait);
  }, [change, refresh]);
  useEffect(() => () => clearTimeout(timer.current), []);
}
