import { sameSubject, type Subject } from "../../view";
import { usePanelSettings } from "../context";
import { nearestIndex, type Point } from "../data/point";

/**
 * The cursor of a chart of one subject: the moment under the pointer, wherever on the page the pointer is.
 */
export function useSubjectCursor(
  subject: Subject,
  points: readonly Point[],
  place?: { longitude: number; latitude: number },
): [number | null, (index: number | null) => void] {
  const { hover, onHover } = usePanelSettings();
  const cursor =
    hover && sameSubject(hover.subject, subject)
      ? nearestIndex(points, Date.parse(hover.time) / 1000)
      : null;
  const setCursor = (index: number | null) => {
    const point = index === null ? undefined : points[index];
    if (point === undefined) {
      onHover(null);
      return;
    }
    const { longitude, latitude } = place ?? point;
    onHover({
      subject,
      time: new Date(point.x * 1000).toISOString(),
      ...(longitude !== undefined && latitude !== undefined && { longitude, latitude }),
    });
  };
  return [cursor, setCursor];
}
