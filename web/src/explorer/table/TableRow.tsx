import { Button } from "../../shared/Button";
import { formatAge, formatCount, formatTime } from "../../shared/format";
import { type MapItem, MIN_VALUES } from "../data/content";
import { formatLayerValue } from "../layer";
import type { Colouring } from "../legend/colouring";
import { MAX_SUBJECTS, sameSubject, type View } from "../view";

interface TableRowProps {
  item: MapItem;
  view: View;
  colouring: Colouring;
  now: number;
  onOpen: (item: MapItem, add: boolean) => void;
  onShow: (item: MapItem) => void;
}

export function TableRow({ item, view, colouring, now, onOpen, onShow }: TableRowProps) {
  const { layer, subjects } = view;
  const selected = subjects.some((subject) => sameSubject(subject, item.subject));
  const colour = item.classIndex === null ? null : colouring.classes[item.classIndex];
  return (
    <tr data-selected={selected}>
      <th scope="row">
        <button type="button" className="row-name" onClick={() => onOpen(item, false)}>
          <span className={`kind kind-${item.kind === "device" && item.mobile ? "mobile" : item.kind}`} aria-hidden="true" />
          <span>
            {item.name}
            <span className="visually-hidden">, {kindLabel(item)}</span>
          </span>
        </button>
      </th>
      <td className="number">
        {colour && <span className="swatch" style={{ background: colour.colour }} aria-hidden="true" />}
        {formatLayerValue(item.value, layer)}
        {item.kind === "cell" && item.few && item.value !== null && (
          <abbr className="few" title={`fewer than ${MIN_VALUES} values`}>
            few
          </abbr>
        )}
      </td>
      <td className="number">{thirdColumn(item, now)}</td>
      <td className="row-actions">
        <Button look="quiet" aria-label={`Show ${item.name} on the map`} onClick={() => onShow(item)}>
          <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <circle cx="8" cy="8" r="4.5" fill="none" stroke="currentColor" strokeWidth="1.5" />
            <path d="M8 1v4M8 11v4M1 8h4M11 8h4" stroke="currentColor" strokeWidth="1.5" />
          </svg>
        </Button>
        <label className="compare">
          <input
            type="checkbox"
            checked={selected}
            disabled={!selected && subjects.length >= MAX_SUBJECTS}
            onChange={() => onOpen(item, true)}
            aria-label={`Compare ${item.name}`}
          />
        </label>
      </td>
    </tr>
  );
}

function kindLabel(item: MapItem): string {
  switch (item.kind) {
    case "device":
      return item.mobile ? "mobile device" : "fixed station";
    case "cell":
      return "cell";
    case "trip":
      return "trip";
  }
}

function thirdColumn(item: MapItem, now: number): string {
  switch (item.kind) {
    case "device":
      return item.measuredAt === null ? "–" : formatAge(Date.parse(item.measuredAt), now);
    case "cell":
      return formatCount(item.count);
    case "trip":
      return formatTime(item.start, now);
  }
}
