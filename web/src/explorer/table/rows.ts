// Rows of the table: the items of the map, in the same order as the map's layers and by value.
import type { Content, MapItem } from "../data/content";

export type Group = "devices" | "trips" | "cells";
export type Sort = { by: "name" | "value" | "time"; descending: boolean };

export const DEFAULT_SORT: Sort = { by: "value", descending: true };

export function rowsOf(content: Content, group: Group, sort: Sort): MapItem[] {
  const direction = sort.descending ? -1 : 1;
  return [...content[group]].sort((one, other) => {
    const [a, b] = [sortKey(one, sort.by), sortKey(other, sort.by)];
    // Rows without a value are last in both directions.
    if (a === null || b === null) {
      return a === b ? 0 : a === null ? 1 : -1;
    }
    return a === b ? 0 : a < b ? -direction : direction;
  });
}

function sortKey(item: MapItem, by: Sort["by"]): string | number | null {
  switch (by) {
    case "name":
      return item.name;
    case "value":
      return item.value;
    case "time":
      return timeOf(item);
  }
}

/** Number of values of a cell, or time of a device or trip. */
function timeOf(item: MapItem): string | number | null {
  switch (item.kind) {
    case "cell":
      return item.count;
    case "device":
      return item.measuredAt;
    case "trip":
      return item.start;
  }
}
