import type { MapQuery } from "../../graphql/generated/explorer";
import type { LiveMeasurement } from "./useLive";

type DeviceNode = MapQuery["devices"]["nodes"][number];

/** The answer with the latest measurements of the live subscription. */
export function withMeasurements(data: MapQuery, measurements: readonly LiveMeasurement[]): MapQuery {
  if (measurements.length === 0) {
    return data;
  }
  const nodes = new Map(data.devices.nodes.map((node) => [node.key, node]));
  for (const { device, ...latest } of measurements) {
    const known: DeviceNode | undefined = nodes.get(device.key);
    if (!known?.latest || known.latest.measuredAt <= latest.measuredAt) {
      nodes.set(device.key, { latitude: null, longitude: null, ...known, ...device, latest });
    }
  }
  return { ...data, devices: { ...data.devices, nodes: [...nodes.values()] } };
}
