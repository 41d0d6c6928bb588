// The MapLibre map, behind the few functions that the page needs.
import type { GeoJSON } from "geojson";
import {
  AttributionControl,
  type GeoJSONSource,
  type MapMouseEvent,
  Map as MapLibreMap,
  NavigationControl,
  ScaleControl,
  setWorkerUrl,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Settings } from "../../shared/settings";
import type { Camera } from "../view";
import { PICK_LAYERS, SELECTION_LAYERS } from "./dataLayers";
import { collection, type MapFeatures } from "./features";
import { FINE_GROUND_ZOOM, loadGround } from "./ground";
import { graticule } from "./graticule";
import { drawImage } from "./icons";
import { type Bounds, wrapLongitude } from "./resolution";
import { type DataSource, mapStyle } from "./style";
import { loadTileGround, type TileGround } from "./tiles";

setWorkerUrl(workerUrl);

export type PickLayer = (typeof PICK_LAYERS)[number];

/** A feature under the pointer: the index of its item in the content. */
export interface Pick {
  layer: PickLayer;
  index: number;
  x: number;
  y: number;
  longitude: number;
  latitude: number;
}

export interface MapCallbacks {
  /** `byUser` is false for movements that the page makes. */
  onMove(camera: Camera, bounds: Bounds, byUser: boolean): void;
  /** `add` is whether the item is added to the selection. */
  onPick(pick: Pick | null, add: boolean): void;
  onPoint(pick: Pick | null): void;
  /** A click anywhere, also where no item is. */
  onClick?(place: { longitude: number; latitude: number }): void;
}

export interface MapOptions {
  camera: Camera;
  dark: boolean;
  /** Scrolling the page does not zoom the map: for frames. */
  cooperative: boolean;
}

/** Distances from the edges of the map, in pixels. */
export interface Padding {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** Largest distance between lines of the graticule, in pixels. */
const GRATICULE_DISTANCE = 250;

/** Pixels around a click in which a feature is found. */
const PICK_RADIUS = 5;

export class MapEngine {
  readonly #map: MapLibreMap;
  readonly #callbacks: MapCallbacks;
  readonly #data = new Map<DataSource, GeoJSON>();
  #dark: boolean;
  #tiles: TileGround | null = null;
  #settings: Settings | null = null;
  #selection: string[] = [];
  #ground: "coarse" | "fine" | null = null;
  #hasFeatures = false;
  #removed = false;

  constructor(container: HTMLElement, options: MapOptions, callbacks: MapCallbacks) {
    this.#callbacks = callbacks;
    this.#dark = options.dark;
    const { longitude, latitude, zoom } = options.camera;
    this.#map = new MapLibreMap({
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
    this.#map.touchZoomRotate.disableRotation();
    this.#map.keyboard.disableRotation();
    this.#map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.#map.addControl(
      new AttributionControl({ compact: false, customAttribution: "Made with Natural Earth" }),
      "bottom-right",
    );
    this.#map.addControl(new ScaleControl({ maxWidth: 110 }), "bottom-right");
    this.#listen();
  }

  #listen(): void {
    const map = this.#map;
    map.setMissingStyleImageResolver((id) => {
      const drawn = drawImage(id, this.#dark);
      if (drawn && !map.hasImage(id)) {
        map.addImage(id, drawn.image, { pixelRatio: drawn.pixelRatio });
      }
    });
    // For tests and styles: whether everything is drawn.
    const { dataset } = map.getContainer();
    map.on("idle", () => {
      dataset["state"] = "idle";
      // After the data, which is drawn by the same workers.
      void this.#showGround("fine");
    });
    map.on("render", () => {
      if (dataset["state"] !== "drawing") {
        dataset["state"] = "drawing";
      }
    });
    map.on("style.load", () => this.#restore());
    map.on("moveend", ({ originalEvent }) => this.#moved(originalEvent !== undefined));
    map.on("load", () => this.#moved(false));
    map.on("click", (event) => {
      const { ctrlKey, metaKey, shiftKey } = event.originalEvent;
      this.#callbacks.onPick(this.#pick(event), ctrlKey || metaKey || shiftKey);
      this.#callbacks.onClick?.({ longitude: event.lngLat.lng, latitude: event.lngLat.lat });
    });
    map.on("mousemove", (event) => {
      if (map.isMoving()) {
        return; // a search per frame would slow down dragging
      }
      const pick = this.#pick(event);
      map.getCanvas().style.cursor = pick ? "pointer" : "";
      this.#callbacks.onPoint(pick);
    });
    map.on("mouseout", () => this.#callbacks.onPoint(null));
    map.on("movestart", () => this.#callbacks.onPoint(null));
  }

  #pick({ point, lngLat }: MapMouseEvent): Pick | null {
    const { x, y } = point;
    const at = { x, y, longitude: lngLat.lng, latitude: lngLat.lat };
    for (const layer of PICK_LAYERS) {
      if (!this.#map.getLayer(layer)) {
        continue;
      }
      const radius = layer === "cells" ? 0 : PICK_RADIUS;
      const [feature] = this.#map.queryRenderedFeatures(
        [
          [x - radius, y - radius],
          [x + radius, y + radius],
        ],
        { layers: [layer] },
      );
      const index: unknown = feature?.properties["index"];
      if (typeof index === "number") {
        return { layer, index, ...at };
      }
    }
    return null;
  }

  #moved(byUser: boolean): void {
    const bounds = this.bounds();
    const width = this.#map.getContainer().clientWidth;
    this.#set("graticule", graticule(bounds, Math.max(2, width / GRATICULE_DISTANCE)));
    void this.#showGround("coarse");
    this.#callbacks.onMove(this.camera(), bounds, byUser);
  }

  /** Sets the ground that the operator configured. */
  async setGround(settings: Settings): Promise<void> {
    this.#settings = settings;
    await this.#loadTiles();
  }

  async #loadTiles(): Promise<void> {
    const dark = this.#dark;
    if (!this.#settings?.tiles && !this.#settings?.pmtiles) {
      return;
    }
    const tiles = await loadTileGround(this.#settings, dark);
    if (tiles && !this.#removed && dark === this.#dark) {
      this.#tiles = tiles;
      this.#map.setStyle(mapStyle(dark, tiles), { diff: false });
    }
  }

  async #showGround(detail: "coarse" | "fine"): Promise<void> {
    const needed = detail === "coarse" || (this.#hasFeatures && this.#map.getZoom() >= FINE_GROUND_ZOOM);
    if (this.#tiles || !needed || this.#ground === "fine" || this.#ground === detail) {
      return;
    }
    this.#ground = detail;
    try {
      const { land, borders, countries } = await loadGround(detail);
      if (!this.#removed) {
        this.#set("land", land);
        this.#set("borders", borders);
        this.#set("countries", countries);
      }
    } catch {
      this.#ground = null; // loaded again after the next movement
    }
  }

  setDark(dark: boolean): void {
    if (dark !== this.#dark) {
      this.#dark = dark;
      this.#map.setStyle(mapStyle(dark, null), { diff: false });
      void this.#loadTiles();
    }
  }

  setFeatures({ cells, trips, devices }: MapFeatures): void {
    this.#hasFeatures ||= cells.features.length + trips.features.length + devices.features.length > 0;
    for (const [source, data] of [["cells", cells], ["trips", trips], ["devices", devices]] as const) {
      if (this.#data.get(source) !== data) {
        this.#set(source, data);
      }
    }
  }

  /** Marks the features with these keys. */
  setSelection(keys: string[]): void {
    this.#selection = keys;
    for (const layer of SELECTION_LAYERS) {
      if (this.#map.getLayer(layer)) {
        this.#map.setFilter(layer, ["in", ["get", "key"], ["literal", keys]]);
      }
    }
  }

  /** Marks a point, or none. */
  setHover(point: { longitude: number; latitude: number } | null): void {
    const coordinates = point && [point.longitude, point.latitude];
    this.#set(
      "hover",
      collection(coordinates ? [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates } }] : []),
    );
  }

  #set(source: DataSource, data: GeoJSON): void {
    this.#data.set(source, data);
    this.#map.getSource<GeoJSONSource>(source)?.setData(data);
  }

  /** A new style has empty sources. */
  #restore(): void {
    for (const [source, data] of this.#data) {
      this.#map.getSource<GeoJSONSource>(source)?.setData(data);
    }
    this.setSelection(this.#selection);
  }

  camera(): Camera {
    const { lng, lat } = this.#map.getCenter();
    return { longitude: wrapLongitude(lng), latitude: lat, zoom: this.#map.getZoom() };
  }

  bounds(): Bounds {
    const bounds = this.#map.getBounds();
    return {
      west: bounds.getWest(),
      south: bounds.getSouth(),
      east: bounds.getEast(),
      north: bounds.getNorth(),
    };
  }

  /** Moves the map, with an animation unless reduced motion is preferred. */
  flyTo({ longitude, latitude, zoom }: Camera): void {
    this.#map.flyTo({ center: [longitude, latitude], zoom, maxDuration: 1500 });
  }

  jumpTo({ longitude, latitude, zoom }: Camera): void {
    this.#map.jumpTo({ center: [longitude, latitude], zoom });
  }

  /** Shows all of `bounds`. */
  fit({ west, south, east, north }: Bounds, padding: Padding): void {
    this.#map.fitBounds([west, south, east, north], { padding, maxZoom: 13.5, animate: false });
  }

  resize(): void {
    this.#map.resize();
  }

  remove(): void {
    this.#removed = true;
    this.#map.remove();
  }
}
