import { collection, type MapFeatures } from "../../explorer/map/features";
import { iconName } from "../../explorer/map/icons";
import type { Bounds } from "../../explorer/map/resolution";

export interface Place {
  key: string;
  latitude: number | null;
  longitude: number | null;
}

const COLOUR = "#0b6b63";
const COLOUR_OF_OTHERS = "#9aa5ae";

/** The device where it is placed, and the other fixed devices as landmarks with their keys. */
export function placeFeatures(
  places: readonly Place[],
  device: string,
  position: { latitude: number; longitude: number } | undefined,
): MapFeatures {
  const others = places.filter(({ key }) => key !== device).flatMap((place) => at(place, COLOUR_OF_OTHERS, 0));
  const own = position ? at({ key: device, ...position }, COLOUR, 1) : [];
  return { cells: collection([]), trips: collection([]), devices: collection([...others, ...own]) };
}

function at({ key, latitude, longitude }: Place, colour: string, order: number) {
  return latitude === null || longitude === null
    ? []
    : [
        {
          type: "Feature" as const,
          properties: {
            index: -1,
            key,
            icon: iconName({ mobile: false, colour, stale: false }),
            value: "",
            textColour: "#000000",
            age: key, // the text below the badge
            order,
          },
          geometry: { type: "Point" as const, coordinates: [longitude, latitude] },
        },
      ];
}

/** The smallest box with all places; undefined without any. */
export function boundsOf(places: readonly Place[]): Bounds | undefined {
  const latitudes = places.flatMap(({ latitude }) => latitude ?? []);
  const longitudes = places.flatMap(({ longitude }) => longitude ?? []);
  return latitudes.length === 0
    ? undefined
    : {
        west: Math.min(...longitudes),
        east: Math.max(...longitudes),
        south: Math.min(...latitudes),
        north: Math.max(...latitudes),
      };
}
