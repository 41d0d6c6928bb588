/** Anchors of the viridis colour map (CC0), from low to high. */
const ANCHORS = [
  [0x44, 0x01, 0x54],
  [0x48, 0x28, 0x78],
  [0x3e, 0x4a, 0x89],
  [0x31, 0x68, 0x8e],
  [0x26, 0x82, 0x8e],
  [0x1f, 0x9e, 0x89],
  [0x35, 0xb7, 0x79],
  [0x6d, 0xcd, 0x59],
  [0xb4, 0xde, 0x2c],
  [0xfd, 0xe7, 0x25],
] as const;

/** Colour at `position`, 0 (dark) to 1 (bright), as `#rrggbb`. */
export function viridis(position: number): string {
  const scaled = Math.min(Math.max(position, 0), 1) * (ANCHORS.length - 1);
  const index = Math.min(Math.floor(scaled), ANCHORS.length - 2);
  const [low, high] = [ANCHORS[index], ANCHORS[index + 1]] as const;
  const share = scaled - index;
  const channel = (number: 0 | 1 | 2) => {
    const value = Math.round((low?.[number] ?? 0) * (1 - share) + (high?.[number] ?? 0) * share);
    return value.toString(16).padStart(2, "0");
  };
  return `#${channel(0)}${channel(1)}${channel(2)}`;
}

/** `count` colours at equal distances, dark for low values. */
export function viridisPalette(count: number): string[] {
  return Array.from({ length: count }, (_, index) => viridis(count === 1 ? 0.5 : index / (count - 1)));
}

/** Black or white, whichever contrasts more with `background` (`#rrggbb`). */
export function textColourOn(background: string): "#000000" | "#ffffff" {
  return luminance(background) > 0.179 ? "#000000" : "#ffffff";
}

/** Relative luminance of WCAG 2.2. */
export function luminance(colour: string): number {
  const channel = (start: number) => {
    const value = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}
