import type { MapQuery } from "../../graphql/generated/explorer";
import type { Quantity } from "../view";
import { readingOf } from "./reading";
import type { LiveMeasurement } from "./useLive";

type DeviceNode = MapQuery["devices"]["nodes"][number];

/**
 * The answer with the newer measurements of the live subscription. A device keeps its latest value of `quantity` when a
 * newer measurement has none.
 */
export function withMeasurements(
  data: MapQuery,
  measurements: readonly LiveMeasurement[],
  quantity: Quantity | null,
): MapQuery {
  if (measurements.length === 0) {
    return data;
  }
  const nodes = new Map(data.devices.nodes.map((node) => [node.key, node]));
  for (const { device, ...latest } of measurements) {
    const known: DeviceNode | undefined = nodes.get(device.key);
    const hasValue = quantity === null || readingOf(latest, quantity) !== null;
    if (!known?.latest || (hasValue && known.latest.measuredAt < latest.measuredAt)) {
      nodes.set(device.key, { latitude: null, longitude: null, ...known, ...device, latest });
    }
  }
  return { ...data, devices: { ...data.devices, nodes: [...nodes.values()] } };
}
