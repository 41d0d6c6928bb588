import { formatNumber } from "../../shared/format";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Number of bytes in the largest unit, such as `1.2 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${formatNumber(value, unit === 0 ? 0 : 1)}\u202f${UNITS[unit]}`;
}
