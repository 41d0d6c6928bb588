// H3 cells: https://h3geo.org/docs/core-library/restable

/** Mean length of the edges of cells by resolution, in metres. */
export const EDGE_LENGTHS = [
  1_281_256, 483_057, 182_513, 68_979, 26_072, 9854, 3725, 1406, 531, 201, 75.9, 28.7, 10.8,
] as const;

/** Resolution of an H3 index: its second hexadecimal digit. */
export function resolutionOf(cell: string): number {
  return Number.parseInt(cell.charAt(1), 16);
}

export function edgeLength(resolution: number): number {
  return EDGE_LENGTHS[resolution] ?? 0;
}
