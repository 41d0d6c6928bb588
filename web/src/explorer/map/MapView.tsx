import { useEffect, useRef, useState } from "react";
import { loadSettings } from "../../shared/settings";
import type { Camera } from "../view";
import { MapEngine, type Padding } from "./engine";
import "maplibre-gl/dist/maplibre-gl.css";
import "./map.css";
import type { MapFeatures } from "./features";
import type { Pick } from "./pick";
import { type Bounds, sameCamera } from "./resolution";

interface MapViewProps {
  /** Null: the map shows `fit`, or the whole world without it. */
  camera: Camera | null;
  fit: Bounds | null;
  features: MapFeatures;
  selection: string[];
  hover: { longitude: number; latitude: number } | null;
  dark: boolean;
  embed: boolean;
  onMove: (camera: Camera, bounds: Bounds, byUser: boolean) => void;
  onPick: (pick: Pick | null, add: boolean) => void;
  onPoint: (pick: Pick | null) => void;
}

const WORLD: Camera = { longitude: 10, latitude: 25, zoom: 1 };

/** The map. WebGL is not accessible by itself: the table has the same items and actions. */
export default function MapView(props: MapViewProps) {
  const container = useRef<HTMLDivElement>(null);
  const engine = useRef<MapEngine | null>(null);
  const latest = useRef(props);
  // A camera that the map itself has reported is not set again: the map may have moved on.
  const reported = useRef<Camera | null>(null);
  latest.current = props;
  const [broken, setBroken] = useState(false);
  const { camera, fit, features, selection, hover, dark, embed } = props;

  useEffect(() => {
    const element = container.current;
    if (!element) {
      return undefined;
    }
    let map: MapEngine;
    try {
      map = new MapEngine(
        element,
        { camera: latest.current.camera ?? WORLD, dark: latest.current.dark, cooperative: embed, locate: !embed },
        {
          onMove: (moved, bounds, byUser) => {
            reported.current = moved;
            latest.current.onMove(moved, bounds, byUser);
          },
          onPick: (...pick) => latest.current.onPick(...pick),
          onPoint: (pick) => latest.current.onPoint(pick),
        },
      );
    } catch {
      setBroken(true); // no WebGL
      return undefined;
    }
    engine.current = map;
    void loadSettings().then((settings) => map.setGround(settings));
    const observer = new ResizeObserver(() => map.resize());
    observer.observe(element);
    return () => {
      observer.disconnect();
      map.remove();
      engine.current = null;
    };
  }, [embed]);

  useEffect(() => {
    if (fit) {
      engine.current?.fit(fit, paddingOf(container.current?.clientWidth ?? 0));
    }
  }, [fit]);
  useEffect(() => {
    const map = engine.current;
    if (map && camera && camera !== reported.current && !sameCamera(camera, map.camera())) {
      map.flyTo(camera);
    }
  }, [camera]);
  useEffect(() => engine.current?.setDark(dark), [dark]);
  useEffect(() => engine.current?.setFeatures(features), [features]);
  const keys = selection.join("\n");
  useEffect(() => engine.current?.setSelection(keys.split("\n")), [keys]);
  useEffect(() => engine.current?.setHover(hover), [hover]);

  return broken ? (
    <p className="map-broken">This browser cannot draw the map (WebGL is not available). The table has the same data.</p>
  ) : (
    <div ref={container} className="map" />
  );
}

/** Keeps fitted devices out from under the legend and the controls. */
function paddingOf(width: number): Padding {
  return width < 760
    ? { top: 40, bottom: 130, left: 30, right: 60 }
    : { top: 60, bottom: 60, left: Math.min(400, width / 3), right: 70 };
}
