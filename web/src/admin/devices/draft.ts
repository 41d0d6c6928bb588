import type {
  AdminDeviceFragment,
  DeviceKind,
  Quantity,
  RegisterDeviceInput,
  UpdateDeviceInput,
} from "../../graphql/generated/admin";

/** The form of a device: texts as they are typed. */
export interface DeviceDraft {
  key: string;
  name: string;
  kind: DeviceKind;
  latitude: string;
  longitude: string;
  licence: string;
  attribution: string;
  sensors: SensorDraft[];
}

export interface SensorDraft {
  /** Identifies the row of the form. */
  row: number;
  sensor: string;
  quantity: Quantity;
}

export type DraftErrors = Partial<Record<"key" | "latitude" | "longitude" | "sensors", string>>;

export const EMPTY_DRAFT: DeviceDraft = {
  key: "",
  name: "",
  kind: "FIXED",
  latitude: "",
  longitude: "",
  licence: "",
  attribution: "",
  sensors: [],
};

export function draftOf(device: AdminDeviceFragment): DeviceDraft {
  return {
    key: device.key,
    name: device.name ?? "",
    kind: device.kind,
    latitude: device.latitude?.toString() ?? "",
    longitude: device.longitude?.toString() ?? "",
    licence: device.licence ?? "",
    attribution: device.attribution ?? "",
    sensors: device.sensors.map(({ sensor, quantity }, row) => ({ row, sensor, quantity })),
  };
}

/** What has to be corrected before the form is sent. The gateway checks everything again. */
export function errorsOf(draft: DeviceDraft): DraftErrors {
  const errors: DraftErrors = {};
  if (draft.key.trim() === "") {
    errors.key = "Enter the key that the device sends with its samples.";
  }
  if (draft.kind === "FIXED") {
    const [latitude, longitude] = [draft.latitude.trim(), draft.longitude.trim()];
    if (latitude !== "" && !isDegrees(latitude, 90)) {
      errors.latitude = "Enter degrees from -90 to 90, such as 48.2082.";
    } else if (latitude === "" && longitude !== "") {
      errors.latitude = "Enter both, or neither.";
    }
    if (longitude !== "" && !isDegrees(longitude, 180)) {
      errors.longitude = "Enter degrees from -180 to 180, such as 16.3738.";
    } else if (longitude === "" && latitude !== "") {
      errors.longitude = "Enter both, or neither.";
    }
  }
  const ids = draft.sensors.map(({ sensor }) => sensor.trim());
  if (ids.includes("")) {
    errors.sensors = "Enter the id of each sensor, or remove its row.";
  } else if (new Set(ids).size < ids.length) {
    errors.sensors = "Two rows have the same sensor id.";
  }
  return errors;
}

export function registerInput(draft: DeviceDraft): RegisterDeviceInput {
  const { name, licence, attribution } = trimmed(draft);
  return {
    key: draft.key.trim(),
    kind: draft.kind,
    ...(name === "" ? {} : { name }),
    ...(licence === "" ? {} : { licence }),
    ...(attribution === "" ? {} : { attribution }),
    ...positionOf(draft),
    ...(draft.sensors.length === 0 ? {} : { sensors: sensorsOf(draft) }),
  };
}

/** Only the changes; undefined when there are none. An emptied text is removed. */
export function updateInput(before: DeviceDraft, draft: DeviceDraft): UpdateDeviceInput | undefined {
  const [old, now] = [trimmed(before), trimmed(draft)];
  const changes: Omit<UpdateDeviceInput, "key"> = {};
  for (const name of ["name", "licence", "attribution"] as const) {
    if (now[name] !== old[name]) {
      changes[name] = now[name] === "" ? null : now[name];
    }
  }
  if (draft.kind !== before.kind) {
    changes.kind = draft.kind;
  }
  const [oldPosition, position] = [positionOf(before), positionOf(draft)];
  if (position?.latitude !== oldPosition?.latitude || position?.longitude !== oldPosition?.longitude) {
    Object.assign(changes, position ?? { latitude: null, longitude: null });
  }
  if (JSON.stringify(sensorsOf(draft)) !== JSON.stringify(sensorsOf(before))) {
    changes.sensors = sensorsOf(draft);
  }
  return Object.keys(changes).length === 0 ? undefined : { key: before.key, ...changes };
}

/** The two numbers of a pasted `48.2082, 16.3738`; undefined for any other text. */
export function parseCoordinates(text: string): { latitude: string; longitude: string } | undefined {
  const numbers = /^\s*(-?\d+(?:\.\d+)?)\s*°?\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*°?\s*$/.exec(text);
  return numbers?.[1] && numbers[2] ? { latitude: numbers[1], longitude: numbers[2] } : undefined;
}

/** The position of a fixed device; undefined without one. */
export function positionOf(draft: DeviceDraft): { latitude: number; longitude: number } | undefined {
  const [latitude, longitude] = [draft.latitude.trim(), draft.longitude.trim()];
  return draft.kind === "FIXED" && isDegrees(latitude, 90) && isDegrees(longitude, 180)
    ? { latitude: Number(latitude), longitude: Number(longitude) }
    : undefined;
}

function isDegrees(text: string, max: number): boolean {
  return /^[+-]?\d+(\.\d*)?$/.test(text) && Math.abs(Number(text)) <= max;
}

function sensorsOf(draft: DeviceDraft) {
  return draft.sensors.map(({ sensor, quantity }) => ({ sensor: sensor.trim(), quantity }));
}

function trimmed(draft: DeviceDraft) {
  return {
    name: draft.name.trim(),
    licence: draft.licence.trim(),
    attribution: draft.attribution.trim(),
  };
}
