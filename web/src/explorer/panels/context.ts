import { createContext, useContext, useEffect, useMemo, useState } from "react";
import type { AirQualityScale, Quantity } from "../../shared/quantity";
import { quantityOf } from "../layer";
import { type Hover, type Layer, spanOf, type View } from "../view";

/** What all panels of a view share. */
export interface PanelSettings {
  view: View;
  onChange: (change: Partial<View>) => void;
  hover: Hover | null;
  onHover: (hover: Hover | null) => void;
  /** Quantity of the charts: that of the map, or PM2.5 while it shows an index. */
  quantity: Quantity;
  scale: AirQualityScale;
  span: { from: string; to: string };
  /** Time of air-quality indices: that of the slider, or the end of a past range. Null: now. */
  indexTime: string | null;
  timeZone: string;
  /** In milliseconds since 1970; advances while the range is a recent one. */
  now: number;
}

const PanelContext = createContext<PanelSettings | null>(null);

export const PanelProvider = PanelContext.Provider;

export function usePanelSettings(): PanelSettings {
  const settings = useContext(PanelContext);
  if (settings === null) {
    throw new Error("a panel is outside PanelProvider");
  }
  return settings;
}

/** The scale of the index panels while the map shows a quantity. */
const DEFAULT_SCALE: AirQualityScale = "EUROPEAN_AQI";

function scaleOf(layer: Layer): AirQualityScale {
  return layer.kind === "index" ? layer.scale : DEFAULT_SCALE;
}

const MINUTE = 60_000;
const MIN_REFRESH = MINUTE;
const MAX_REFRESH = 15 * MINUTE;
/** Points of a chart: a range is requested again when it has moved by about one. */
const POINTS = 240;

/** Time between two requests of a recent range, in milliseconds. */
export function refreshInterval(hours: number): number {
  const step = (hours * 60 * MINUTE) / POINTS;
  return Math.min(Math.max(Math.round(step / MINUTE) * MINUTE, MIN_REFRESH), MAX_REFRESH);
}

/** The time, which advances in steps while the page is visible. `null`: it stands still. */
function useNow(step: number | null): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    setNow(Date.now());
    if (step === null) {
      return undefined;
    }
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") {
        setNow(Date.now());
      }
    }, step);
    return () => clearInterval(timer);
  }, [step]);
  return now;
}

export function usePanelValues(
  view: View,
  onChange: PanelSettings["onChange"],
  hover: Hover | null,
  onHover: PanelSettings["onHover"],
): PanelSettings {
  const { range, layer, at } = view;
  const now = useNow(range.kind === "recent" ? refreshInterval(range.hours) : null);
  const span = useMemo(() => wholeMinutes(spanOf(range, now)), [range, now]);
  return {
    view,
    onChange,
    hover,
    onHover,
    quantity: quantityOf(layer),
    scale: scaleOf(layer),
    span,
    indexTime: at ?? (range.kind === "between" ? range.to : null),
    timeZone: browserTimeZone(),
    now,
  };
}

/** The span extended to whole minutes, so that requests of one minute are the same. */
function wholeMinutes({ from, to }: { from: string; to: string }) {
  return {
    from: new Date(Math.floor(Date.parse(from) / MINUTE) * MINUTE).toISOString(),
    to: new Date(Math.ceil(Date.parse(to) / MINUTE) * MINUTE).toISOString(),
  };
}

/** IANA name of the browser's time zone; `UTC` where the browser does not know it. */
function browserTimeZone(): string {
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone === undefined || zone.startsWith("Etc/Unknown") ? "UTC" : zone;
}
