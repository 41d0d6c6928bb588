/** Resolution of an H3 index: its second hexadecimal digit. */
export function resolutionOf(cell: string): number {
  return Number.parseInt(cell.charAt(1), 16);
}

/** Mean length of the edges of H3 cells, in metres, by resolution. */
const EDGES = [
  1_281_256, 483_057, 182_513, 68_979, 26_072, 9854, 3725, 1406, 531, 201, 76, 28.7, 10.8,
] as const;

export function edgeLength(resolution: number): number {
  return EDGES[resolution] ?? 0;
}
