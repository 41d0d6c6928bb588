import type { TripPoint } from "../data/content";

/** The point of a trip that is nearest to a position; undefined for an empty path. */
export function nearestPoint(
  points: readonly TripPoint[],
  at: { longitude: number; latitude: number },
): TripPoint | undefined {
  const scale = Math.cos((at.latitude * Math.PI) / 180);
  let best: TripPoint | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const point of points) {
    const distance = Math.hypot((point.longitude - at.longitude) * scale, point.latitude - at.latitude);
    if (distance < bestDistance) {
      best = point;
      bestDistance = distance;
    }
  }
  return best;
}
