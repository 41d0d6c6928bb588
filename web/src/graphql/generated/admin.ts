/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** Conditions on API keys. All of them must hold. */
export type ApiKeyFilter = {
  /** Key of the device that the API keys are bound to. */
  deviceKey?: string | null | undefined;
  /** True: only valid keys; false: only expired and revoked ones. */
  isValid?: boolean | null | undefined;
  /** Role of the keys. */
  role?: Role | null | undefined;
  /** Text that the name or the key of the device contains, ignoring case. 1 to 100 characters. */
  text?: string | null | undefined;
};

/** Area on the earth. Exactly one field must be given. */
export type Area =
  {   /** Rectangle of latitudes and longitudes. */
  boundingBox: BoundingBox; cells?: never; circle?: never; polygon?: never; }
  |  { boundingBox?: never;   /** H3 cell indexes, such as `8928308280fffff`: 1 to 1000 cells of resolutions 0 to 12. */
  cells: Array<string>; circle?: never; polygon?: never; }
  |  { boundingBox?: never; cells?: never;   /** Circle around a point. */
  circle: Circle; polygon?: never; }
  |  { boundingBox?: never; cells?: never; circle?: never;   /**
   * Polygon of 3 to 10,000 points; the last is joined to the first. Edges are straight lines in latitude and
   * longitude and take the shorter way around the earth: a polygon can cross the antimeridian, but can't enclose a
   * pole. In a self-intersecting polygon, regions enclosed twice are outside (even-odd rule).
   */
  polygon: Array<PointInput>; };

/**
 * Rectangle of latitudes and longitudes, edges included. It crosses the antimeridian when `west` is greater than
 * `east`; from -180 to 180 it covers all longitudes.
 */
export type BoundingBox = {
  /** Eastern edge: longitude in degrees. */
  east: number;
  /** Northern edge: latitude in degrees. */
  north: number;
  /** Southern edge: latitude in degrees. */
  south: number;
  /** Western edge: longitude in degrees. */
  west: number;
};

/** Circle on the earth's surface. */
export type Circle = {
  /** Latitude of the centre, in degrees. */
  latitude: number;
  /** Longitude of the centre, in degrees. */
  longitude: number;
  /** Radius, in metres. */
  radius: number;
};

/** New API key. */
export type CreateApiKeyInput = {
  /**
   * Key of the device that the API key is bound to. Only for role `SENSOR`. Without it the API key records for any
   * device.
   */
  deviceKey?: string | null | undefined;
  /** Time the key expires. Without it the key does not expire. */
  expiresAt?: string | null | undefined;
  /** Display name of the key, such as `Bike 7`. At most 500 characters. */
  name: string;
  /** Permissions of the key. */
  role: Role;
};

/** Conditions on devices. All of them must hold. */
export type DeviceFilter = {
  /** Area: of the device's own position, or else of its newest measurement. */
  area?: Area | null | undefined;
  /** Keys of devices. An unknown key matches nothing. */
  keys?: Array<string> | null | undefined;
  /** Kind of the devices. */
  kind?: DeviceKind | null | undefined;
  /** Devices with a measurement at or after this time. */
  seenSince?: string | null | undefined;
  /** Text that the key or the name contains, ignoring case. 1 to 100 characters. */
  text?: string | null | undefined;
};

/** Kind of a device: mobile or fixed. */
export type DeviceKind =
  /** Stays in one place: the device has one position. */
  | 'FIXED'
  /** Moves: every sample has its own position. */
  | 'MOBILE';

/** Sort order of devices. */
export type DeviceOrder =
  /** By time of registration, oldest first. */
  | 'CREATED_AT_ASC'
  /** By time of registration, newest first. */
  | 'CREATED_AT_DESC'
  /** By key, ascending. */
  | 'KEY_ASC'
  /** By key, descending. */
  | 'KEY_DESC'
  /** By time of the newest measurement, oldest first; devices without measurements last. */
  | 'LAST_SEEN_ASC'
  /** By time of the newest measurement, newest first; devices without measurements last. */
  | 'LAST_SEEN_DESC'
  /** By the value of `orderByQuantity` in the newest measurement, ascending; devices without a value last. */
  | 'LATEST_VALUE_ASC'
  /** By the value of `orderByQuantity` in the newest measurement, descending; devices without a value last. */
  | 'LATEST_VALUE_DESC';

/** Corner of a polygon (WGS 84). */
export type PointInput = {
  /** Latitude in degrees, north positive. */
  latitude: number;
  /** Longitude in degrees, east positive. */
  longitude: number;
};

/**
 * Measured quantity. Each description ends with the unit of its values; the code in backticks is the unit in UCUM
 * (ucum.org), `1` for a number without unit.
 */
export type Quantity =
  /** Magnitude of the acceleration, as computed by the logger (`1`). */
  | 'ACCELERATION_MAGNITUDE'
  /** Acceleration along the sensor's x axis, in raw counts of its analog-to-digital converter (`1`). */
  | 'ACCELERATION_X'
  /** Acceleration along the sensor's y axis, in raw counts of its analog-to-digital converter (`1`). */
  | 'ACCELERATION_Y'
  /** Acceleration along the sensor's z axis, in raw counts of its analog-to-digital converter (`1`). */
  | 'ACCELERATION_Z'
  /** Number of accelerometer readings in the sample (`1`). */
  | 'ACCELEROMETER_SAMPLES'
  /** Height above sea level, in metres (`m`). */
  | 'ALTITUDE'
  /** Temperature from a nearby weather station, in °C (`Cel`). */
  | 'AMBIENT_TEMPERATURE'
  /** Battery or supply voltage, in `V`. */
  | 'BATTERY_VOLTAGE'
  /** Carbon monoxide, in mg/m³ (`mg/m3`). */
  | 'CO'
  /** Carbon dioxide, in ppm (`[ppm]`). */
  | 'CO2'
  /** Dew point, in °C (`Cel`). */
  | 'DEW_POINT'
  /** 1 when the position is new, 0 when the receiver repeated the previous one (`1`). */
  | 'GPS_UPDATED'
  /** Relative humidity, in `%`. */
  | 'HUMIDITY'
  /** Illuminance, in `lx`. */
  | 'ILLUMINANCE'
  /** Nitrogen dioxide, in µg/m³ (`ug/m3`). */
  | 'NO2'
  /** Sound level, A-weighted, in dB (`dB[SPL]`). */
  | 'NOISE'
  /** Nitrogen oxides as Sensirion NOX index (`1`): 1 is the average of the last day. */
  | 'NOX_INDEX'
  /** Ozone, in µg/m³ (`ug/m3`). */
  | 'O3'
  /** Particles larger than 0.3 µm, number per decilitre (`/dL`). */
  | 'PARTICLES_0_3'
  /** Particulate matter up to 1 µm, in µg/m³ (`ug/m3`). */
  | 'PM1'
  /** Particulate matter up to 2.5 µm, in µg/m³ (`ug/m3`). */
  | 'PM2_5'
  /** Particulate matter up to 4 µm, in µg/m³ (`ug/m3`). */
  | 'PM4'
  /** Particulate matter up to 10 µm, in µg/m³ (`ug/m3`). */
  | 'PM10'
  /** Air pressure at the sensor's height, in `hPa`. */
  | 'PRESSURE'
  /** Rain since the start of the station's day, in `mm`. */
  | 'RAIN'
  /** Magnitude of the rotation, as computed by the logger (`1`). */
  | 'ROTATION_MAGNITUDE'
  /** Rotation about the sensor's x axis, in raw counts of its analog-to-digital converter (`1`). */
  | 'ROTATION_X'
  /** Rotation about the sensor's y axis, in raw counts of its analog-to-digital converter (`1`). */
  | 'ROTATION_Y'
  /** Rotation about the sensor's z axis, in raw counts of its analog-to-digital converter (`1`). */
  | 'ROTATION_Z'
  /** Sequence number of the sample in the logger (`1`). */
  | 'SAMPLE_COUNTER'
  /** Number of satellites in the position fix (`1`). */
  | 'SATELLITES'
  /** Received signal strength of the sensor's radio, in dBm (`dB[mW]`). */
  | 'SIGNAL_STRENGTH'
  /** Speed over the ground, in `km/h`. */
  | 'SPEED'
  /** Sunshine since the start of the station's day, in hours (`h`). */
  | 'SUNSHINE'
  /** Temperature at the sensor (inside its case, on the bicycle), in °C (`Cel`). */
  | 'TEMPERATURE'
  /** Time since the logger started, in milliseconds (`ms`). */
  | 'UPTIME'
  /** Volatile organic compounds as Sensirion VOC index (`1`): 100 is the average of the last day. */
  | 'VOC_INDEX'
  /** Direction the wind comes from, clockwise from north, in degrees (`deg`). */
  | 'WIND_DIRECTION'
  /** Maximum wind speed, in `m/s`. */
  | 'WIND_GUST'
  /** Mean wind speed, in `m/s`. */
  | 'WIND_SPEED';

/** New device. */
export type RegisterDeviceInput = {
  /** Attribution required by users of its data. At most 500 characters. */
  attribution?: string | null | undefined;
  /** Unique key, sent by the device with its samples, such as `bike-07`. At most 128 characters. */
  key: string;
  /** Mobile or fixed. */
  kind: DeviceKind;
  /** Latitude of a fixed device, in degrees (WGS 84), north positive. Given together with `longitude`. */
  latitude?: number | null | undefined;
  /** Licence of its data, such as `CC-BY-4.0`. At most 500 characters. */
  licence?: string | null | undefined;
  /** Longitude of a fixed device, in degrees (WGS 84), east positive. Given together with `latitude`. */
  longitude?: number | null | undefined;
  /** Display name. At most 500 characters. */
  name?: string | null | undefined;
  /** Single sensors and their quantities, for firmware that sends values by sensor id (senseBox). At most 100. */
  sensors?: Array<SensorInput> | null | undefined;
};

/** Whether a device is new. */
export type RegisterDeviceStatus =
  /** A device with this key already exists; it is unchanged. */
  | 'ALREADY_EXISTS'
  /** The device was registered. */
  | 'REGISTERED';

/** Uplinks to decode again. Exactly one of `filter` and `ids` must be given. */
export type ReplayUplinksInput = {
  /** Cursor to continue from: `after` of the previous payload. Only with `filter`. */
  after?: string | null | undefined;
  /** Only decode; record nothing. */
  dryRun?: boolean;
  /** Conditions on the uplinks, processed oldest first. An empty filter matches all uplinks. */
  filter?: UplinkFilter | null | undefined;
  /** Global ids of the uplinks, at most 1000. */
  ids?: Array<string | number> | null | undefined;
  /** Maximum number of uplinks that match the filter, 1 to 1000. Default 1000. Only with `filter`. */
  limit?: number | null | undefined;
};

/** API key to revoke. */
export type RevokeApiKeyInput = {
  /** Global id of the key. */
  id: string | number;
  /**
   * Also revoke all keys created with this key, directly or indirectly. Use it when the key has leaked; not needed
   * when the key is only replaced.
   */
  includeDescendants?: boolean;
};

/** Permissions of an API key. */
export type Role =
  /** All permissions. */
  | 'ADMIN'
  /** Read everything except uplinks and other admin fields. */
  | 'READER'
  /** Read, and record measurements: of one device when the key is bound to it, else of any device. */
  | 'SENSOR';

/** Single sensor of a device whose firmware sends values by sensor id (senseBox). */
export type SensorInput = {
  /** Quantity the sensor measures. The values must have the unit of this quantity; pressure may also be in Pa. */
  quantity: Quantity;
  /** Id of the sensor, as sent by the firmware. At most 64 characters. */
  sensor: string;
};

/** Time span. Open at an end that is not given. */
export type TimeRange = {
  /** Start (inclusive). */
  from?: string | null | undefined;
  /** End (exclusive). */
  to?: string | null | undefined;
};

/** Change of a device. A field that is absent stays unchanged; null removes the value. */
export type UpdateDeviceInput = {
  /** Attribution required by users of its data. At most 500 characters. */
  attribution?: string | null | undefined;
  /** Key of the device. */
  key: string;
  /** Mobile or fixed. */
  kind?: DeviceKind | null | undefined;
  /** Latitude in degrees (WGS 84), north positive. Given together with `longitude`. */
  latitude?: number | null | undefined;
  /** Licence of its data, such as `CC-BY-4.0`. At most 500 characters. */
  licence?: string | null | undefined;
  /** Longitude in degrees (WGS 84), east positive. Given together with `latitude`. */
  longitude?: number | null | undefined;
  /** Display name. At most 500 characters. */
  name?: string | null | undefined;
  /** Single sensors and their quantities, at most 100. The list replaces the current one. */
  sensors?: Array<SensorInput> | null | undefined;
};

/** Conditions on uplinks. All of them must hold. */
export type UplinkFilter = {
  /** Keys of devices, at most 1000. An uplink that could not be decoded has no device. */
  devices?: Array<string> | null | undefined;
  /** Names of formats, such as `ttn-v2`, at most 100. */
  formats?: Array<string> | null | undefined;
  /** Outcome of the uplinks. */
  outcome?: UplinkOutcome | null | undefined;
  /** Received in this time span. */
  receivedAt?: TimeRange | null | undefined;
};

/** Outcome of an uplink. */
export type UplinkOutcome =
  /** Decoded. Its samples are stored, except rejected ones. */
  | 'RECORDED'
  /**
   * No sample is stored: the body could not be decoded, or every sample was rejected; `error` is the reason.
   * `replayUplinks` decodes it again.
   */
  | 'UNDECODABLE';

export type AdminDeviceFragment = { id: string, key: string, name: string | null, kind: DeviceKind, latitude: number | null, longitude: number | null, licence: string | null, attribution: string | null, createdAt: string, sensors: Array<{ sensor: string, quantity: Quantity }>, latest: { measuredAt: string, pm25: number | null, pm10: number | null } | null };

export type AdminDevicesQueryVariables = Exact<{
  filter?: DeviceFilter | null | undefined;
  orderBy: DeviceOrder;
  first: number;
  after?: string | null | undefined;
}>;


export type AdminDevicesQuery = { devices: { totalCount: number | null, totalCountIsEstimate: boolean | null, nodes: Array<{ id: string, key: string, name: string | null, kind: DeviceKind, latitude: number | null, longitude: number | null, latest: { measuredAt: string, pm25: number | null } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type AdminDeviceQueryVariables = Exact<{
  key: string;
}>;


export type AdminDeviceQuery = { device: { id: string, key: string, name: string | null, kind: DeviceKind, latitude: number | null, longitude: number | null, licence: string | null, attribution: string | null, createdAt: string, sensors: Array<{ sensor: string, quantity: Quantity }>, latest: { measuredAt: string, pm25: number | null, pm10: number | null } | null } | null };

export type AdminDeviceKeysQueryVariables = Exact<{
  filter?: DeviceFilter | null | undefined;
}>;


export type AdminDeviceKeysQuery = { devices: { nodes: Array<{ key: string, name: string | null }> } };

export type AdminRegisterDeviceMutationVariables = Exact<{
  input: RegisterDeviceInput;
}>;


export type AdminRegisterDeviceMutation = { registerDevice: { status: RegisterDeviceStatus } };

export type AdminUpdateDeviceMutationVariables = Exact<{
  input: UpdateDeviceInput;
}>;


export type AdminUpdateDeviceMutation = { updateDevice: { device: { id: string, key: string, name: string | null, kind: DeviceKind, latitude: number | null, longitude: number | null, licence: string | null, attribution: string | null, createdAt: string, sensors: Array<{ sensor: string, quantity: Quantity }>, latest: { measuredAt: string, pm25: number | null, pm10: number | null } | null } | null } };

export type AdminDeleteDeviceMutationVariables = Exact<{
  key: string;
  dryRun: boolean;
}>;


export type AdminDeleteDeviceMutation = { deleteDevice: { measurements: number, uplinks: number, revokedApiKeys: Array<{ name: string }> } };

export type AdminDevicePlacesQueryVariables = Exact<{ [key: string]: never; }>;


export type AdminDevicePlacesQuery = { devices: { nodes: Array<{ key: string, latitude: number | null, longitude: number | null }> } };

export type AdminApiKeyFragment = { id: string, name: string, role: Role, deviceKey: string | null, createdAt: string, expiresAt: string | null, revokedAt: string | null, lastUsedAt: string | null, createdBy: { name: string } | null };

export type AdminApiKeysQueryVariables = Exact<{
  filter?: ApiKeyFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type AdminApiKeysQuery = { apiKeys: { nodes: Array<{ id: string, name: string, role: Role, deviceKey: string | null, createdAt: string, expiresAt: string | null, revokedAt: string | null, lastUsedAt: string | null, createdBy: { name: string } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type AdminCreateApiKeyMutationVariables = Exact<{
  input: CreateApiKeyInput;
}>;


export type AdminCreateApiKeyMutation = { createApiKey: { key: string, apiKey: { id: string, name: string, role: Role, deviceKey: string | null, createdAt: string, expiresAt: string | null, revokedAt: string | null, lastUsedAt: string | null, createdBy: { name: string } | null } } };

export type AdminRevokeApiKeyMutationVariables = Exact<{
  input: RevokeApiKeyInput;
}>;


export type AdminRevokeApiKeyMutation = { revokeApiKey: { descendantsRevoked: number, descendantsValid: number } };

export type AdminLoadQueryVariables = Exact<{ [key: string]: never; }>;


export type AdminLoadQuery = { server: { version: string, time: string, load: { pools: Array<{ name: string, size: number, idle: number, max: number }>, queues: Array<{ name: string, submissions: number, samples: number, bytes: number }>, replicas: Array<{ name: string, lag: number | null, inRotation: boolean }> }, database: { host: string, port: number, name: string, user: string, version: string }, tables: Array<{ name: string, rowEstimate: number }> } };

export type AdminSessionQueryVariables = Exact<{ [key: string]: never; }>;


export type AdminSessionQuery = { server: { database: { name: string } } };

export type AdminUplinkFragment = { id: string, receivedAt: string, format: string, named: string | null, bytes: number, outcome: UplinkOutcome, error: string | null, recorded: number, duplicates: number, rejected: number, device: { key: string } | null, apiKey: { name: string } | null };

export type AdminUplinksQueryVariables = Exact<{
  filter?: UplinkFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type AdminUplinksQuery = { uplinks: { nodes: Array<{ id: string, receivedAt: string, format: string, named: string | null, bytes: number, outcome: UplinkOutcome, error: string | null, recorded: number, duplicates: number, rejected: number, device: { key: string } | null, apiKey: { name: string } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type AdminUplinkQueryVariables = Exact<{
  id: string | number;
}>;


export type AdminUplinkQuery = { node:
    | { event: string | null, frameCounter: number | null, cutFrom: number | null, text: string | null, base64: string, id: string, receivedAt: string, format: string, named: string | null, bytes: number, outcome: UplinkOutcome, error: string | null, recorded: number, duplicates: number, rejected: number, apiKey: { role: Role, name: string } | null, device: { key: string } | null }
    | Record<PropertyKey, never>
   | null };

export type AdminReplayUplinksMutationVariables = Exact<{
  input: ReplayUplinksInput;
}>;


export type AdminReplayUplinksMutation = { replayUplinks: { uplinks: number, samples: number, recorded: number | null, duplicates: number | null, rejected: number, undecodable: number, skipped: number, hasMore: boolean, after: string | null } };

export const AdminDeviceFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AdminDevice"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Device"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"key"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"kind"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}},{"kind":"Field","name":{"kind":"Name","value":"licence"}},{"kind":"Field","name":{"kind":"Name","value":"attribution"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"sensors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"sensor"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}}]}},{"kind":"Field","name":{"kind":"Name","value":"latest"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"measuredAt"}},{"kind":"Field","name":{"kind":"Name","value":"pm25"}},{"kind":"Field","name":{"kind":"Name","value":"pm10"}}]}}]}}]} as unknown as DocumentNode<AdminDeviceFragment, unknown>;
export const AdminApiKeyFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AdminApiKey"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ApiKey"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"role"}},{"kind":"Field","name":{"kind":"Name","value":"deviceKey"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"expiresAt"}},{"kind":"Field","name":{"kind":"Name","value":"revokedAt"}},{"kind":"Field","name":{"kind":"Name","value":"lastUsedAt"}},{"kind":"Field","name":{"kind":"Name","value":"createdBy"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]} as unknown as DocumentNode<AdminApiKeyFragment, unknown>;
export const AdminUplinkFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AdminUplink"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Uplink"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"receivedAt"}},{"kind":"Field","name":{"kind":"Name","value":"format"}},{"kind":"Field","name":{"kind":"Name","value":"device"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"key"}}]}},{"kind":"Field","name":{"kind":"Name","value":"named"}},{"kind":"Field","name":{"kind":"Name","value":"apiKey"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"bytes"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"error"}},{"kind":"Field","name":{"kind":"Name","value":"recorded"}},{"kind":"Field","name":{"kind":"Name","value":"duplicates"}},{"kind":"Field","name":{"kind":"Name","value":"rejected"}}]}}]} as unknown as DocumentNode<AdminUplinkFragment, unknown>;
export const AdminDevicesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AdminDevices"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"DeviceFilter"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"orderBy"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"DeviceOrder"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"devices"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}},{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"Variable","name":{"kind":"Name","value":"orderBy"}}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"key"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"kind"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}},{"kind":"Field","name":{"kind":"Name","value":"latest"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"measuredAt"}},{"kind":"Field","name":{"kind":"Name","value":"pm25"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}},{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"totalCountIsEstimate"}}]}}]}}]} as unknown as DocumentNode<AdminDevicesQuery, AdminDevicesQueryVariables>;
export const AdminDeviceDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AdminDevice"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"key"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"device"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"key"},"value":{"kind":"Variable","name":{"kind":"Name","value":"key"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"AdminDevice"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AdminDevice"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Device"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"key"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"kind"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}},{"kind":"Field","name":{"kind":"Name","value":"licence"}},{"kind":"Field","name":{"kind":"Name","value":"attribution"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"sensors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"sensor"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}}]}},{"kind":"Field","name":{"kind":"Name","value":"latest"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"measuredAt"}},{"kind":"Field","name":{"kind":"Name","value":"pm25"}},{"kind":"Field","name":{"kind":"Name","value":"pm10"}}]}}]}}]} as unknown as DocumentNode<AdminDeviceQuery, AdminDeviceQueryVariables>;
export const AdminDeviceKeysDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AdminDeviceKeys"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"DeviceFilter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"devices"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"20"}},{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"EnumValue","value":"LAST_SEEN_DESC"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"key"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]}}]} as unknown as DocumentNode<AdminDeviceKeysQuery, AdminDeviceKeysQueryVariables>;
export const AdminRegisterDeviceDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"AdminRegisterDevice"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RegisterDeviceInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"registerDevice"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"status"}}]}}]}}]} as unknown as DocumentNode<AdminRegisterDeviceMutation, AdminRegisterDeviceMutationVariables>;
export const AdminUpdateDeviceDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"AdminUpdateDevice"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"UpdateDeviceInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"updateDevice"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"device"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"AdminDevice"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AdminDevice"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Device"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"key"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"kind"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}},{"kind":"Field","name":{"kind":"Name","value":"licence"}},{"kind":"Field","name":{"kind":"Name","value":"attribution"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"sensors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"sensor"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}}]}},{"kind":"Field","name":{"kind":"Name","value":"latest"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"measuredAt"}},{"kind":"Field","name":{"kind":"Name","value":"pm25"}},{"kind":"Field","name":{"kind":"Name","value":"pm10"}}]}}]}}]} as unknown as DocumentNode<AdminUpdateDeviceMutation, AdminUpdateDeviceMutationVariables>;
export const AdminDeleteDeviceDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"AdminDeleteDevice"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"key"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"dryRun"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Boolean"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"deleteDevice"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"key"},"value":{"kind":"Variable","name":{"kind":"Name","value":"key"}}},{"kind":"ObjectField","name":{"kind":"Name","value":"dryRun"},"value":{"kind":"Variable","name":{"kind":"Name","value":"dryRun"}}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"measurements"}},{"kind":"Field","name":{"kind":"Name","value":"uplinks"}},{"kind":"Field","name":{"kind":"Name","value":"revokedApiKeys"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]}}]} as unknown as DocumentNode<AdminDeleteDeviceMutation, AdminDeleteDeviceMutationVariables>;
export const AdminDevicePlacesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AdminDevicePlaces"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"devices"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"500"}},{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"EnumValue","value":"LAST_SEEN_DESC"}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"kind"},"value":{"kind":"EnumValue","value":"FIXED"}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"key"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}}]}}]}}]}}]} as unknown as DocumentNode<AdminDevicePlacesQuery, AdminDevicePlacesQueryVariables>;
export const AdminApiKeysDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AdminApiKeys"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"ApiKeyFilter"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"apiKeys"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"AdminApiKey"}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AdminApiKey"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ApiKey"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"role"}},{"kind":"Field","name":{"kind":"Name","value":"deviceKey"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"expiresAt"}},{"kind":"Field","name":{"kind":"Name","value":"revokedAt"}},{"kind":"Field","name":{"kind":"Name","value":"lastUsedAt"}},{"kind":"Field","name":{"kind":"Name","value":"createdBy"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]} as unknown as DocumentNode<AdminApiKeysQuery, AdminApiKeysQueryVariables>;
export const AdminCreateApiKeyDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"AdminCreateApiKey"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateApiKeyInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"createApiKey"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"key"}},{"kind":"Field","name":{"kind":"Name","value":"apiKey"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"AdminApiKey"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AdminApiKey"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"ApiKey"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"role"}},{"kind":"Field","name":{"kind":"Name","value":"deviceKey"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"expiresAt"}},{"kind":"Field","name":{"kind":"Name","value":"revokedAt"}},{"kind":"Field","name":{"kind":"Name","value":"lastUsedAt"}},{"kind":"Field","name":{"kind":"Name","value":"createdBy"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]} as unknown as DocumentNode<AdminCreateApiKeyMutation, AdminCreateApiKeyMutationVariables>;
export const AdminRevokeApiKeyDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"AdminRevokeApiKey"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RevokeApiKeyInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"revokeApiKey"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"descendantsRevoked"}},{"kind":"Field","name":{"kind":"Name","value":"descendantsValid"}}]}}]}}]} as unknown as DocumentNode<AdminRevokeApiKeyMutation, AdminRevokeApiKeyMutationVariables>;
export const AdminLoadDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AdminLoad"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"server"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"time"}},{"kind":"Field","name":{"kind":"Name","value":"load"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"pools"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"size"}},{"kind":"Field","name":{"kind":"Name","value":"idle"}},{"kind":"Field","name":{"kind":"Name","value":"max"}}]}},{"kind":"Field","name":{"kind":"Name","value":"queues"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"submissions"}},{"kind":"Field","name":{"kind":"Name","value":"samples"}},{"kind":"Field","name":{"kind":"Name","value":"bytes"}}]}},{"kind":"Field","name":{"kind":"Name","value":"replicas"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"lag"}},{"kind":"Field","name":{"kind":"Name","value":"inRotation"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"database"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"host"}},{"kind":"Field","name":{"kind":"Name","value":"port"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"user"}},{"kind":"Field","name":{"kind":"Name","value":"version"}}]}},{"kind":"Field","name":{"kind":"Name","value":"tables"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"rowEstimate"}}]}}]}}]}}]} as unknown as DocumentNode<AdminLoadQuery, AdminLoadQueryVariables>;
export const AdminSessionDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AdminSession"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"server"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"database"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]}}]} as unknown as DocumentNode<AdminSessionQuery, AdminSessionQueryVariables>;
export const AdminUplinksDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AdminUplinks"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"UplinkFilter"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"uplinks"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"AdminUplink"}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AdminUplink"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Uplink"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"receivedAt"}},{"kind":"Field","name":{"kind":"Name","value":"format"}},{"kind":"Field","name":{"kind":"Name","value":"device"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"key"}}]}},{"kind":"Field","name":{"kind":"Name","value":"named"}},{"kind":"Field","name":{"kind":"Name","value":"apiKey"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"bytes"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"error"}},{"kind":"Field","name":{"kind":"Name","value":"recorded"}},{"kind":"Field","name":{"kind":"Name","value":"duplicates"}},{"kind":"Field","name":{"kind":"Name","value":"rejected"}}]}}]} as unknown as DocumentNode<AdminUplinksQuery, AdminUplinksQueryVariables>;
export const AdminUplinkDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AdminUplink"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"node"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Uplink"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"AdminUplink"}},{"kind":"Field","name":{"kind":"Name","value":"event"}},{"kind":"Field","name":{"kind":"Name","value":"frameCounter"}},{"kind":"Field","name":{"kind":"Name","value":"apiKey"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"role"}}]}},{"kind":"Field","name":{"kind":"Name","value":"cutFrom"}},{"kind":"Field","name":{"kind":"Name","value":"text"}},{"kind":"Field","name":{"kind":"Name","value":"base64"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AdminUplink"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Uplink"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"receivedAt"}},{"kind":"Field","name":{"kind":"Name","value":"format"}},{"kind":"Field","name":{"kind":"Name","value":"device"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"key"}}]}},{"kind":"Field","name":{"kind":"Name","value":"named"}},{"kind":"Field","name":{"kind":"Name","value":"apiKey"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"bytes"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"error"}},{"kind":"Field","name":{"kind":"Name","value":"recorded"}},{"kind":"Field","name":{"kind":"Name","value":"duplicates"}},{"kind":"Field","name":{"kind":"Name","value":"rejected"}}]}}]} as unknown as DocumentNode<AdminUplinkQuery, AdminUplinkQueryVariables>;
export const AdminReplayUplinksDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"AdminReplayUplinks"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ReplayUplinksInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"replayUplinks"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"uplinks"}},{"kind":"Field","name":{"kind":"Name","value":"samples"}},{"kind":"Field","name":{"kind":"Name","value":"recorded"}},{"kind":"Field","name":{"kind":"Name","value":"duplicates"}},{"kind":"Field","name":{"kind":"Name","value":"rejected"}},{"kind":"Field","name":{"kind":"Name","value":"undecodable"}},{"kind":"Field","name":{"kind":"Name","value":"skipped"}},{"kind":"Field","name":{"kind":"Name","value":"hasMore"}},{"kind":"Field","name":{"kind":"Name","value":"after"}}]}}]}}]} as unknown as DocumentNode<AdminReplayUplinksMutation, AdminReplayUplinksMutationVariables>;