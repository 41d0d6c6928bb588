import {
  AttributionControl,
  GeolocateControl,
  Map as MapLibreMap,
  NavigationControl,
  ScaleControl,
  setWorkerUrl,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Camera } from "../view";
import { mapStyle } from "./style";

setWorkerUrl(workerUrl);

export interface MapOptions {
  camera: Camera;
  dark: boolean;
  /** Scrolling the page does not zoom the map: for frames. */
  cooperative: boolean;
  /** Whether the map has a button that moves it to the position of the browser. */
  locate: boolean;
}

/** Zoom at which the streets around a position are in view. */
const LOCATED_ZOOM = 14;
/** Longest wait for a position, in milliseconds. */
const LOCATE_TIMEOUT = 15_000;

/** A flat map, north up, with its controls. */
export function createMap(container: HTMLElement, options: MapOptions): MapLibreMap {
  const { longitude, latitude, zoom } = options.camera;
  const map = new MapLibreMap({
    container,
    style: mapStyle(options.dark, null),
    center: [longitude, latitude],
    zoom,
    minZoom: 0.5,
    maxZoom: 19,
    maxPitch: 0,
    dragRotate: false,
    touchPitch: false,
    attributionControl: false,
    cooperativeGestures: options.cooperative,
    fadeDuration: 0,
    locale: { "Map.Title": "Map" },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  // Browsers have no position for pages without encryption.
  if (options.locate && window.isSecureContext) {
    void addLocateControl(map);
  }
  map.addControl(
    new AttributionControl({ compact: false, customAttribution: "Made with Natural Earth" }),
    "bottom-right",
  );
  map.addControl(new ScaleControl({ maxWidth: 110 }), "bottom-right");
  return map;
}

/** Adds the button, unless it could only be refused. */
async function addLocateControl(map: MapLibreMap): Promise<void> {
  let removed = false;
  map.once("remove", () => {
    removed = true;
  });
  const { state } = await navigator.permissions.query({ name: "geolocation" });
  if (state !== "denied" && !removed) {
    const control = new GeolocateControl({
      positionOptions: { timeout: LOCATE_TIMEOUT },
      fitBoundsOptions: { maxZoom: LOCATED_ZOOM },
    });
    map.addControl(control, "top-right");
  }
}
