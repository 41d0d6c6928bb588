import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { MapDocument } from "../graphql/generated/explorer";
import { announce } from "../shared/announce";
import { BrokenPart } from "../shared/BrokenPart";
import { ErrorBoundary } from "../shared/ErrorBoundary";
import { formatAddress } from "./address";
import type { MapItem } from "./data/content";
import { isCut, omissionsOf } from "./data/limits";
import { spanOfView } from "./data/span";
import { announcement } from "./data/summary";
import { Details } from "./Details";
import { Header } from "./header/Header";
import { Legend } from "./legend/Legend";
import { cellFeatures, deviceFeatures, tripFeatures } from "./map/features";
import { nearestPoint } from "./map/nearest";
import type { Pick } from "./map/pick";
import { resolutionFor } from "./map/resolution";
import { Tooltip } from "./map/Tooltip";
import { select } from "./selection";
import { ConnectionBanner } from "../shared/ConnectionBanner";
import { MapState } from "./states/MapState";
import { MapTable } from "./table/MapTable";
import { spanLabel } from "./time/labels";
import { TimeBar } from "./time/TimeBar";
import type { Span } from "./time/timeline";
import { useExplorer, type Viewport } from "./useExplorer";
import { useMedia } from "../shared/useMedia";
import { useView } from "./useView";
import { type Hover, subjectKey } from "./view";

const MapView = lazy(() => import("./map/MapView"));

/** Zoom to which "show on the map" moves at least. */
const SHOW_ZOOM = 14;

export function App() {
  const [view, change] = useView();
  const [viewport, setViewport] = useState<Viewport | null>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  const [pointed, setPointed] = useState<Pick | null>(null);
  const explorer = useExplorer(view, viewport);
  const { content, colouring, map, now } = explorer;
  const dark = useMedia("(prefers-color-scheme: dark)");
  const opener = useRef<Element | null>(null);

  // Separately: the age of devices advances, while the thousands of cells stay as they are.
  const cells = useMemo(() => cellFeatures(content.cells, colouring), [content.cells, colouring]);
  const trips = useMemo(() => tripFeatures(content.trips, colouring), [content.trips, colouring]);
  const devices = useMemo(
    () => deviceFeatures(content.devices, view.layer, colouring, now),
    [content.devices, view.layer, colouring, now],
  );
  const features = useMemo(() => ({ cells, trips, devices }), [cells, trips, devices]);
  const shown = map.variables && isCut(view, map.variables, explorer.rangeNow) ? (map.variables.measuredAt as Span) : null;
  const period = shown ?? (view.at === null ? null : spanOfView(view, explorer.rangeNow));

  useEffect(() => {
    if (map.data && !map.loading) {
      announce(announcement(view, content));
    }
  }, [map.data, map.loading]);
  useEffect(() => {
    document.title = view.subjects.length === 0 ? "airgraph" : "Details – airgraph";
  }, [view.subjects.length]);

  const itemOf = ({ layer, index }: Pick): MapItem | undefined => content[layer][index];
  const open = (item: MapItem, add: boolean) => {
    if (view.subjects.length === 0) {
      opener.current = document.activeElement;
    }
    change({ subjects: select(view.subjects, item.subject, add) });
  };
  const close = () => {
    change({ subjects: [] });
    setHover(null);
    if (opener.current instanceof HTMLElement) {
      opener.current.focus();
    }
  };
  const show = (item: MapItem) => {
    const zoom = Math.max(viewport?.camera.zoom ?? 0, SHOW_ZOOM);
    change({ camera: { longitude: item.longitude, latitude: item.latitude, zoom } });
  };
  const point = (pick: Pick | null) => {
    if (pick === null && pointed === null) {
      return; // the moment of a chart stays while the map moves
    }
    setPointed(pick);
    const item = pick && itemOf(pick);
    const near = pick && item?.kind === "trip" ? nearestPoint(item.points, pick) : undefined;
    setHover(near && item ? { subject: item.subject, ...near } : null);
  };
  const link = useCallback(() => {
    const camera = view.camera ?? viewport?.camera ?? null;
    return new URL(formatAddress({ ...view, camera }), location.href).href;
  }, [view, viewport]);
  const openTable = () => {
    const isOpen = view.tab === "table";
    change({ tab: isOpen ? "map" : "table" });
  };

  const item = pointed && itemOf(pointed);
  const query = explorer.variables && { document: MapDocument, variables: map.variables ?? explorer.variables };
  const omissions =
    map.data && map.variables && viewport
      ? omissionsOf(view, map.variables, map.data, resolutionFor(viewport.camera), explorer.rangeNow)
      : [];

  return (
    <div className="explorer" data-embed={view.embed}>
      {!view.embed && <Header view={view} change={change} link={link} onTable={openTable} />}
      <main className="content">
        {view.tab === "table" && !view.embed && (
          <MapTable
            view={view}
            content={content}
            colouring={colouring}
            now={now}
            loading={map.data === null && map.failure === null}
            onOpen={open}
            onShow={show}
            onClose={openTable}
          />
        )}
        <section className="map-area" aria-label="Map and time">
          <ConnectionBanner />
          <div className="map-frame" aria-busy={map.loading}>
            <ErrorBoundary fallback={(error) => <BrokenPart error={error} />}>
              <Suspense fallback={<div className="map map-loading" />}>
                <MapView
                  camera={view.camera}
                  fit={explorer.extent.bounds}
                  features={features}
                  selection={view.subjects.map(subjectKey)}
                  hover={positionOf(hover)}
                  dark={dark}
                  embed={view.embed}
                  onMove={(camera, bounds, byUser) => {
                    setViewport({ camera, bounds, fit: explorer.extent.bounds });
                    if (byUser) {
                      change({ camera });
                    }
                  }}
                  onPick={(pick, add) => {
                    const picked = pick && itemOf(pick);
                    if (picked) {
                      open(picked, add);
                    }
                  }}
                  onPoint={point}
                />
              </Suspense>
            </ErrorBoundary>
            {map.loading && <div className="progress" />}
            {item && pointed && (
              <Tooltip item={item} x={pointed.x} y={pointed.y} view={view} colouring={colouring} now={now} />
            )}
            <Legend
              view={view}
              change={change}
              colouring={colouring}
              content={map.data && content}
              query={query}
              period={period && spanLabel(period, now)}
              loading={map.data === null && map.failure === null}
              omissions={omissions}
            />
            <MapState view={view} change={change} explorer={explorer} />
            {view.embed && (
              <a className="embed-link" href={link().replace(/[?&]embed$/, "")} target="_blank" rel="noopener">
                Open in airgraph
              </a>
            )}
          </div>
          <TimeBar
            view={view}
            change={change}
            rangeNow={explorer.rangeNow}
            live={explorer.live}
            loading={map.loading}
          />
        </section>
        {view.subjects.length > 0 && (
          <Details view={view} onChange={change} hover={hover} onHover={setHover} onClose={close} />
        )}
      </main>
    </div>
  );
}

function positionOf(hover: Hover | null) {
  return hover?.longitude === undefined || hover.latitude === undefined
    ? null
    : { longitude: hover.longitude, latitude: hover.latitude };
}
