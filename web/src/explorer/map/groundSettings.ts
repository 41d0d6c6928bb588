/** The ground that the operator configured, from `explorer.json` of the gateway. */
export interface GroundSettings {
  /** Template of raster or vector tiles, with `{z}`, `{x}` and `{y}`. */
  tiles: { url: string; attribution: string } | null;
  /** Archive of raster or vector tiles. */
  pmtiles: { url: string; attribution: string } | null;
}

export const OFFLINE_GROUND: GroundSettings = { tiles: null, pmtiles: null };

/** The settings; without an answer the offline ground. */
export async function loadGroundSettings(page: string): Promise<GroundSettings> {
  try {
    const response = await fetch(new URL("explorer.json", page));
    if (!response.ok || !response.headers.get("content-type")?.includes("json")) {
      return OFFLINE_GROUND;
    }
    const settings = (await response.json()) as Partial<GroundSettings>;
    return { tiles: settings.tiles ?? null, pmtiles: settings.pmtiles ?? null };
  } catch {
    return OFFLINE_GROUND;
  }
}
