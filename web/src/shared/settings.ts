import { useEffect, useState } from "react";

/** Settings of the gateway for its pages: `explorer.json`. */
export interface Settings {
  /** Ground of the map: template of tiles, with `{z}`, `{x}` and `{y}`. */
  tiles: { url: string; attribution: string } | null;
  /** Ground of the map: archive of raster or vector tiles. */
  pmtiles: { url: string; attribution: string } | null;
  /** Whether the gateway has a playground. */
  playground: boolean;
}

const DEFAULT_SETTINGS: Settings = { tiles: null, pmtiles: null, playground: true };

let loading: Promise<Settings> | undefined;

/** Loads the settings once. Without an answer, the ground is that without internet. */
export function loadSettings(): Promise<Settings> {
  loading ??= load(location.href);
  return loading;
}

async function load(page: string): Promise<Settings> {
  try {
    const response = await fetch(new URL("explorer.json", page));
    if (!response.ok || !response.headers.get("content-type")?.includes("json")) {
      return DEFAULT_SETTINGS;
    }
    const settings = (await response.json()) as Partial<Settings>;
    return { ...DEFAULT_SETTINGS, ...settings };
  } catch {
    return DEFAULT_SETTINGS;
  }
}

export function useSettings(): Settings {
  const [settings, setSettings] = useState(DEFAULT_SETTINGS);
  useEffect(() => {
    let mounted = true;
    void loadSettings().then((loaded) => mounted && setSettings(loaded));
    return () => {
      mounted = false;
    };
  }, []);
  return settings;
}
