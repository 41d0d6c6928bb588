import { useEffect, useState } from "react";
import { useClient } from "urql";
import { ExtentDocument, type ExtentQuery } from "../../graphql/generated/explorer";
import type { Bounds } from "../map/resolution";

export interface Extent {
  /** Whether the request is complete, or was not needed. */
  done: boolean;
  /** Where the devices are; null without any. */
  bounds: Bounds | null;
}

/**
 * Queries where the devices are, when `wanted`: for the first map without a camera in the address. Again when
 * `arrived` changes: the first device is there.
 */
export function useExtent(wanted: boolean, arrived: boolean): Extent {
  const client = useClient();
  const [extent, setExtent] = useState<Extent>({ done: !wanted, bounds: null });

  useEffect(() => {
    if (!wanted) {
      return undefined;
    }
    const { unsubscribe } = client.query(ExtentDocument, {}).subscribe(({ data }) => {
      setExtent({ done: true, bounds: data ? boundsOf(data) : null });
    });
    return unsubscribe;
  }, [client, wanted, arrived]);

  return extent;
}

/** Smallest extent of a single device, in degrees. */
const MARGIN = 0.01;

/** The box around the newest positions; positions without a fix (0, 0) are left out. */
export function boundsOf(data: ExtentQuery): Bounds | null {
  const positions = data.devices.nodes.flatMap(({ latitude, longitude, latest }) => {
    const position = { latitude: latitude ?? latest?.latitude, longitude: longitude ?? latest?.longitude };
    return position.latitude == null || position.longitude == null
      ? []
      : { latitude: position.latitude, longitude: position.longitude };
  });
  const valid = positions.filter(({ latitude, longitude }) => Math.hypot(latitude, longitude) > 0.01);
  if (valid.length === 0) {
    return null;
  }
  const latitudes = valid.map(({ latitude }) => latitude);
  const longitudes = valid.map(({ longitude }) => longitude);
  return {
    west: Math.min(...longitudes) - MARGIN,
    east: Math.max(...longitudes) + MARGIN,
    south: Math.max(Math.min(...latitudes) - MARGIN, -85),
    north: Math.min(Math.max(...latitudes) + MARGIN, 85),
  };
}
