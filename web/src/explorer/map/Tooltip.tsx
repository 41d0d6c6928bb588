import { formatAge, formatDistance, formatValueWithUnit } from "../../shared/format";
import { cellNote, tripTimes } from "../data/summary";
import type { MapItem } from "../data/content";
import type { Colouring } from "../legend/colouring";
import type { View } from "../view";
import "./tooltip.css";

/** The item under the pointer. The table has the same for other inputs. */
export function Tooltip({
  item,
  x,
  y,
  view,
  colouring,
  now,
}: {
  item: MapItem;
  x: number;
  y: number;
  view: View;
  colouring: Colouring;
  now: number;
}) {
  const { layer } = view;
  const band = item.classIndex === null ? undefined : colouring.classes[item.classIndex]?.label;
  const value =
    layer.kind === "index"
      ? indexText(item.value, band ?? "")
      : formatValueWithUnit(item.value, layer.quantity);
  return (
    <div className="tooltip" style={{ left: `clamp(120px, ${x}px, calc(100% - 120px))`, top: y }} data-below={y < 110} aria-hidden="true">
      <div className="tooltip-box">
        <strong>{item.name}</strong>
        <span className="tooltip-value">{value}</span>
        <span className="tooltip-note">{note(item, now)}</span>
      </div>
    </div>
  );
}

/** Such as `2 (Fair)`. The names of the UK's bands begin with the value. */
function indexText(value: number | null, band: string): string {
  if (value === null) {
    return "no index";
  }
  return band.startsWith(`${value} `) ? band : `${value} (${band})`;
}

function note(item: MapItem, now: number): string {
  switch (item.kind) {
    case "cell":
      return cellNote(item);
    case "device":
      return item.measuredAt === null ? "" : formatAge(Date.parse(item.measuredAt), now);
    case "trip":
      return `${formatDistance(item.distance)}, ${tripTimes(item, now)}`;
  }
}
