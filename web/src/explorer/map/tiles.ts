// Ground from tiles that the operator configured. The libraries are loaded only then.
import { addProtocol, type LayerSpecification, type SourceSpecification } from "maplibre-gl";
import type { Settings } from "../../shared/settings";

export interface TileGround {
  source: SourceSpecification;
  layers: LayerSpecification[];
}

/** Source and layers of the configured tiles; null without configuration. */
export async function loadTileGround(settings: Settings, dark: boolean): Promise<TileGround | null> {
  const { pmtiles, tiles } = settings;
  if (pmtiles) {
    return archiveGround(pmtiles, dark);
  }
  if (!tiles) {
    return null;
  }
  const { url, attribution } = tiles;
  return isVectorTemplate(url)
    ? vectorGround({ type: "vector", tiles: [url], attribution, maxzoom: 15 }, dark)
    : rasterGround({ type: "raster", tiles: [url], attribution, tileSize: 256, maxzoom: 19 });
}

/** Whether a template names vector tiles, by its extension. */
function isVectorTemplate(url: string): boolean {
  return /\.(?:mvt|pbf)(?:[?#]|$)/.test(url);
}

async function archiveGround({ url, attribution }: { url: string; attribution: string }, dark: boolean) {
  const { PMTiles, Protocol, TileType } = await import("pmtiles");
  const protocol = new Protocol();
  const archive = new PMTiles(new URL(url, location.href).href);
  protocol.add(archive);
  addProtocol("pmtiles", protocol.tile);
  const header = await archive.getHeader();
  const source = { url: `pmtiles://${archive.source.getKey()}`, attribution };
  return header.tileType === TileType.Mvt
    ? vectorGround({ type: "vector", ...source }, dark)
    : rasterGround({ type: "raster", tileSize: 256, ...source });
}

function rasterGround(source: SourceSpecification): TileGround {
  return { source, layers: [{ id: "tiles", type: "raster", source: "tiles" }] };
}

/** Vector tiles have the layers of Protomaps' basemap. */
async function vectorGround(source: SourceSpecification, dark: boolean): Promise<TileGround> {
  const { layers, namedFlavor } = await import("@protomaps/basemaps");
  const all = layers("tiles", namedFlavor(dark ? "dark" : "light"), { lang: "en" });
  return { source, layers: all.map(withoutIcons) };
}

/** The style has no sprite. */
function withoutIcons(layer: LayerSpecification): LayerSpecification {
  if (layer.type !== "symbol" || !layer.layout) {
    return layer;
  }
  const { "icon-image": _, ...layout } = layer.layout;
  return { ...layer, layout };
}
