import { type ReactNode, useEffect, useRef, useState } from "react";
import "maplibre-gl/dist/maplibre-gl.css";
import "../../explorer/map/map.css";
import { MapEngine } from "../../explorer/map/engine";
import { useMedia } from "../../shared/useMedia";
import { AdminDevicePlacesDocument } from "../../graphql/generated/admin";
import { Button } from "../../shared/Button";
import { loadSettings } from "../../shared/settings";
import { useRequest } from "../data/useRequest";
import { boundsOf, placeFeatures } from "./placeFeatures";

const WORLD = { longitude: 10, latitude: 25, zoom: 1 };
/** Zoom of a few streets. */
const STREET_ZOOM = 14;
const FIT_PADDING = { top: 40, bottom: 40, left: 40, right: 40 }; // px

/**
 * A map on which a click places the device. By keyboard, arrow keys move the map below the cross, and a button takes its
 * centre.
 */
export default function PositionMap({
  device,
  position,
  onPlace,
  children,
}: {
  /** Key of the device; empty for a new one. */
  device: string;
  position: { latitude: number; longitude: number } | undefined;
  onPlace: (latitude: number, longitude: number) => void;
  /** Further actions. */
  children: ReactNode;
}) {
  const container = useRef<HTMLDivElement>(null);
  const [engine, setEngine] = useState<MapEngine>();
  const [isBroken, setBroken] = useState(false);
  const isDark = useMedia("(prefers-color-scheme: dark)");
  const latest = useRef({ position, isDark, onPlace });
  latest.current = { position, isDark, onPlace };
  const { data } = useRequest(AdminDevicePlacesDocument, {});
  const places = data?.devices.nodes;

  useEffect(() => {
    const element = container.current;
    if (!element) {
      return;
    }
    const { position: start, isDark: dark } = latest.current;
    let map: MapEngine;
    try {
      map = new MapEngine(
        element,
        { camera: start ? { ...start, zoom: STREET_ZOOM } : WORLD, dark, cooperative: false, locate: false },
        {
          onMove: () => {},
          onPick: () => {},
          onPoint: () => {},
          onClick: ({ latitude, longitude }) => latest.current.onPlace(latitude, longitude),
        },
      );
    } catch {
      setBroken(true); // no WebGL
      return;
    }
    setEngine(map);
    void loadSettings().then((settings) => map.setGround(settings));
    const observer = new ResizeObserver(() => map.resize());
    observer.observe(element);
    return () => {
      observer.disconnect();
      map.remove();
      setEngine(undefined);
    };
  }, []);

  useEffect(() => engine?.setDark(isDark), [engine, isDark]);

  // Without a position, the map begins where the other devices are.
  useEffect(() => {
    const bounds = boundsOf(places ?? []);
    if (engine && bounds && !latest.current.position) {
      engine.fit(bounds, FIT_PADDING);
    }
  }, [engine, places]);

  const [latitude, longitude] = [position?.latitude, position?.longitude];
  useEffect(() => {
    if (!engine) {
      return;
    }
    const placed = latitude === undefined || longitude === undefined ? undefined : { latitude, longitude };
    engine.setFeatures(placeFeatures(places ?? [], device, placed));
    engine.setSelection([device]);
    if (placed) {
      const { west, east, south, north } = engine.bounds();
      const isVisible =
        placed.latitude > south && placed.latitude < north && placed.longitude > west && placed.longitude < east;
      if (!isVisible) {
        engine.flyTo({ ...placed, zoom: Math.max(engine.camera().zoom, STREET_ZOOM) });
      }
    }
  }, [engine, places, device, latitude, longitude]);

  if (isBroken) {
    return (
      <div className="position-map-frame">
        <p className="hint">This browser cannot draw the map (WebGL is not available). Enter the coordinates.</p>
        <div className="actions">{children}</div>
      </div>
    );
  }
  return (
    <div className="position-map-frame">
      <p className="hint">Click the map to place the device. By keyboard: move it under the cross with the arrow keys.</p>
      <div className="position-map">
        <div ref={container} className="map" />
        <span className="crosshair" aria-hidden="true" />
      </div>
      <div className="actions">
        <Button
          onClick={() => {
            const centre = engine?.camera();
            if (centre) {
              onPlace(centre.latitude, centre.longitude);
            }
          }}
        >
          Place it at the cross
        </Button>
        {children}
      </div>
    </div>
  );
}
