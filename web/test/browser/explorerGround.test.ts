// The ground map from a PMTiles file that the gateway serves.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ExplorerPage, hasProgram, type Site, startSite } from "./explorerPage";
import { launchBrowser } from "./guardedPage";

/** Colour of the only tile: nothing else on the page has it. */
const COLOUR = [200, 40, 160] as const;

let site: Site;
let browser: Browser;
let folder: string;

describe.skipIf(!hasProgram)("the ground of the map", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "airgraph-ground-"));
    const file = join(folder, "ground.pmtiles");
    await writeFile(file, pmtiles(png(256, COLOUR)));
    site = await startSite({ AIRGRAPH_MAP_PMTILES: file, AIRGRAPH_MAP_ATTRIBUTION: "© The test" });
    browser = await launchBrowser(site.url);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await site?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  test("is drawn from the operator's file, read in ranges, with its attribution", async () => {
    const ranges: string[] = [];
    const explorer = await ExplorerPage.open(browser, site, "?map=10,20,3", {
      prepare: async (page) => {
        page.on("request", (request) => {
          if (request.url().endsWith("/map.pmtiles")) {
            ranges.push(request.headers()["range"] ?? "");
          }
        });
      },
    });
    await explorer.drawn();
    const { x, y } = await explorer.middle();
    await expect.poll(() => explorer.colourAt(x + 400, y + 100)).toEqual([...COLOUR]);
    expect(ranges.length).toBeGreaterThan(0);
    expect(ranges.every((range) => /^bytes=\d+-\d+$/.test(range))).toBe(true);
    await explorer.page.getByText("© The test").waitFor();
    await explorer.close();
  });
});

/** An archive with one tile for the whole earth: https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md */
function pmtiles(tile: Buffer): Buffer {
  const HEADER_LENGTH = 127;
  // One entry: tile 0, run of 1, its length, and its offset plus 1.
  const directory = Buffer.from([1, 0, 1, ...varint(tile.length), 1]);
  const metadata = Buffer.from("{}");
  const header = Buffer.alloc(HEADER_LENGTH);
  header.write("PMTiles");
  header.writeUInt8(3, 7);
  const metadataOffset = HEADER_LENGTH + directory.length;
  const tileOffset = metadataOffset + metadata.length;
  const lengths = [HEADER_LENGTH, directory.length, metadataOffset, metadata.length, tileOffset, 0, tileOffset, tile.length, 1, 1, 1];
  lengths.forEach((value, index) => header.writeBigUInt64LE(BigInt(value), 8 + index * 8));
  header.writeUInt8(1, 96); // clustered
  header.writeUInt8(1, 97); // directory: not compressed
  header.writeUInt8(1, 98); // tile: not compressed
  header.writeUInt8(2, 99); // PNG
  // Zoom 0 to 0; the whole earth, in units of 1e-7 degrees.
  [-1_800_000_000, -850_000_000, 1_800_000_000, 850_000_000].forEach((value, index) => header.writeInt32LE(value, 102 + index * 4));
  return Buffer.concat([header, directory, metadata, tile]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** A square of one colour. */
function png(size: number, [red, green, blue]: readonly [number, number, number]): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2], 8); // 8 bits of red, green and blue
  const row = Buffer.from([0, ...Array.from({ length: size }, () => [red, green, blue]).flat()]);
  const rows = Buffer.concat(Array.from({ length: size }, () => row));
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
