// The MapLibre map, behind the few functions that the page needs.
import type { GeoJSON } from "geojson";
import type { GeoJSONSource, Map as MapLibreMap } from "maplibre-gl";
import type { Settings } from "../../shared/settings";
import type { Camera } from "../view";
import { createMap, type MapOptions } from "./createMap";
import { SELECTION_LAYERS } from "./dataLayers";
import { collection, type MapFeatures } from "./features";
import { graticule } from "./graticule";
import { type GroundDetail, GroundLoader } from "./groundLoader";
import { drawImage } from "./icons";
import { type Pick, pickFeature } from "./pick";
import { type Bounds, wrapLongitude } from "./resolution";
import { type DataSource, mapStyle } from "./style";
import { loadTileGround, type TileGround } from "./tiles";

export interface MapCallbacks {
  /** `byUser` is false for movements that the page makes. */
  onMove(camera: Camera, bounds: Bounds, byUser: boolean): void;
  /** `add` is whether the item is added to the selection. */
  onPick(pick: Pick | null, add: boolean): void;
  onPoint(pick: Pick | null): void;
  /** A click anywhere, also where no item is. */
  onClick?(place: { longitude: number; latitude: number }): void;
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

export class MapEngine {
  readonly #map: MapLibreMap;
  readonly #callbacks: MapCallbacks;
  readonly #data = new Map<DataSource, GeoJSON>();
  #dark: boolean;
  #tiles: TileGround | null = null;
  #settings: Settings | null = null;
  #selection: string[] = [];
  readonly #ground = new GroundLoader(({ land, borders, countries }) => {
    if (!this.#removed) {
      this.#set("land", land);
      this.#set("borders", borders);
      this.#set("countries", countries);
    }
  });
  #hasFeatures = false;
  #removed = false;

  constructor(container: HTMLElement, options: MapOptions, callbacks: MapCallbacks) {
    this.#callbacks = callbacks;
    this.#dark = options.dark;
    this.#map = createMap(container, options);
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
      this.#showGround("fine");
    });
    map.on("render", () => {
      if (dataset["state"] !== "drawing") {
        dataset["state"] = "drawing";
      }
    });
    map.on("style.load", () => this.#restore());
    map.on("moveend", (event) => this.#moved(event.originalEvent !== undefined || "geolocateSource" in event));
    map.on("load", () => this.#moved(false));
    map.on("click", (event) => {
      const { ctrlKey, metaKey, shiftKey } = event.originalEvent;
      this.#callbacks.onPick(pickFeature(map, event), ctrlKey || metaKey || shiftKey);
      this.#callbacks.onClick?.({ longitude: event.lngLat.lng, latitude: event.lngLat.lat });
    });
    map.on("mousemove", (event) => {
      if (map.isMoving()) {
        return; // a search per frame would slow down dragging
      }
      const pick = pickFeature(map, event);
      map.getCanvas().style.cursor = pick ? "pointer" : "";
      this.#callbacks.onPoint(pick);
    });
    map.on("mouseout", () => this.#callbacks.onPoint(null));
    map.on("movestart", () => this.#callbacks.onPoint(null));
  }

  #moved(byUser: boolean): void {
    const bounds = this.bounds();
    const width = this.#map.getContainer().clientWidth;
    this.#set("graticule", graticule(bounds, Math.max(2, width / GRATICULE_DISTANCE)));
    this.#showGround("coarse");
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

  /** The offline ground, which tiles replace. */
  #showGround(detail: GroundDetail): void {
    if (!this.#tiles) {
      void this.#ground.show(detail, this.#map.getZoom(), this.#hasFeatures);
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
