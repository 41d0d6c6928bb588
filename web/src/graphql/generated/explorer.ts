/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** Published air-quality scale. */
export type AirQualityScale =
  /** European Air Quality Index: 1 (good) to 6 (extremely poor), from the mean of one hour. */
  | 'EUROPEAN_AQI'
  /** UK Daily Air Quality Index: 1 to 10, from the mean of 24 hours. */
  | 'UK_DAQI'
  /** US EPA Air Quality Index: 0 to 500, from the mean of 24 hours. */
  | 'US_EPA'
  /**
   * US EPA Air Quality Index with NowCast: 0 to 500, from a weighted mean of 12 hours in which recent hours have
   * more weight.
   */
  | 'US_NOWCAST';

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

/** Kind of a device: mobile or fixed. */
export type DeviceKind =
  /** Stays in one place: the device has one position. */
  | 'FIXED'
  /** Moves: every sample has its own position. */
  | 'MOBILE';

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

/** Time span. Open at an end that is not given. */
export type TimeRange = {
  /** Start (inclusive). */
  from?: string | null | undefined;
  /** End (exclusive). */
  to?: string | null | undefined;
};

export type ExtentQueryVariables = Exact<{ [key: string]: never; }>;


export type ExtentQuery = { devices: { nodes: Array<{ latitude: number | null, longitude: number | null, latest: { latitude: number | null, longitude: number | null } | null }> } };

export type LatestValueFragment = { measuredAt: string, latitude: number | null, longitude: number | null, pm1: number | null, pm25: number | null, pm4: number | null, pm10: number | null, weather?: { temperature: number | null, humidity: number | null, pressure: number | null } | null, ambient?: { co: number | null, co2: number | null, no2: number | null, o3: number | null, noise: number | null, illuminance: number | null, vocIndex: number | null, noxIndex: number | null, particles03: number | null } | null };

export type LiveSubscriptionVariables = Exact<{
  area: Area;
  withWeather: boolean;
  withAmbient: boolean;
}>;


export type LiveSubscription = { measurementRecorded: { cursor: string, measurement: { measuredAt: string, latitude: number | null, longitude: number | null, pm1: number | null, pm25: number | null, pm4: number | null, pm10: number | null, device: { key: string, name: string | null, kind: DeviceKind }, weather?: { temperature: number | null, humidity: number | null, pressure: number | null } | null, ambient?: { co: number | null, co2: number | null, no2: number | null, o3: number | null, noise: number | null, illuminance: number | null, vocIndex: number | null, noxIndex: number | null, particles03: number | null } | null } } };

export type MapQueryVariables = Exact<{
  area: Area;
  measuredAt: TimeRange;
  resolution: number;
  quantity: Quantity;
  latestOf?: Quantity | null | undefined;
  maxDevices: number;
  scale: AirQualityScale;
  at?: string | null | undefined;
  withIndex: boolean;
  withWeather: boolean;
  withAmbient: boolean;
  withTrips: boolean;
  tripSpan: TimeRange;
  tripPoints: number;
  withPm25: boolean;
  withPm10: boolean;
}>;


export type MapQuery = { feedCursor: string, anyDevice: { nodes: Array<{ latest: { measuredAt: string } | null }> }, cells: Array<{ index: string, count?: number, coverage: number | null, boundary: Array<{ latitude: number, longitude: number }>, quantity?: { count: number, mean: number | null }, airQualityIndex?: { value: number | null, coverage: number } }>, devices: { pageInfo: { hasNextPage: boolean }, nodes: Array<{ key: string, name: string | null, kind: DeviceKind, latitude: number | null, longitude: number | null, latest: { measuredAt: string, latitude: number | null, longitude: number | null, pm1: number | null, pm25: number | null, pm4: number | null, pm10: number | null, weather?: { temperature: number | null, humidity: number | null, pressure: number | null } | null, ambient?: { co: number | null, co2: number | null, no2: number | null, o3: number | null, noise: number | null, illuminance: number | null, vocIndex: number | null, noxIndex: number | null, particles03: number | null } | null } | null, airQualityIndex?: { value: number | null } }> }, mobile?: { pageInfo: { hasNextPage: boolean }, nodes: Array<{ key: string, name: string | null, trips: { pageInfo: { hasNextPage: boolean }, nodes: Array<{ id: string, start: string, end: string, distance: number, pm25?: { mean: number } | null, pm10?: { mean: number } | null, points: Array<{ measuredAt: string, latitude: number, longitude: number, pm25?: number | null, pm10?: number | null }> }> } }> } };

export const LatestValueFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LatestValue"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Measurement"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"measuredAt"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}},{"kind":"Field","name":{"kind":"Name","value":"pm1"}},{"kind":"Field","name":{"kind":"Name","value":"pm25"}},{"kind":"Field","name":{"kind":"Name","value":"pm4"}},{"kind":"Field","name":{"kind":"Name","value":"pm10"}},{"kind":"Field","name":{"kind":"Name","value":"weather"},"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withWeather"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"temperature"}},{"kind":"Field","name":{"kind":"Name","value":"humidity"}},{"kind":"Field","name":{"kind":"Name","value":"pressure"}}]}},{"kind":"Field","name":{"kind":"Name","value":"ambient"},"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withAmbient"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"co"}},{"kind":"Field","name":{"kind":"Name","value":"co2"}},{"kind":"Field","name":{"kind":"Name","value":"no2"}},{"kind":"Field","name":{"kind":"Name","value":"o3"}},{"kind":"Field","name":{"kind":"Name","value":"noise"}},{"kind":"Field","name":{"kind":"Name","value":"illuminance"}},{"kind":"Field","name":{"kind":"Name","value":"vocIndex"}},{"kind":"Field","name":{"kind":"Name","value":"noxIndex"}},{"kind":"Field","name":{"kind":"Name","value":"particles03"}}]}}]}}]} as unknown as DocumentNode<LatestValueFragment, unknown>;
export const ExtentDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Extent"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"devices"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"1000"}},{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"EnumValue","value":"LAST_SEEN_DESC"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}},{"kind":"Field","name":{"kind":"Name","value":"latest"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}}]}}]}}]}}]}}]} as unknown as DocumentNode<ExtentQuery, ExtentQueryVariables>;
export const LiveDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"Live"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"area"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Area"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"withWeather"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Boolean"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"withAmbient"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Boolean"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"measurementRecorded"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"area"},"value":{"kind":"Variable","name":{"kind":"Name","value":"area"}}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"measurement"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"device"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"key"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"kind"}}]}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"LatestValue"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LatestValue"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Measurement"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"measuredAt"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}},{"kind":"Field","name":{"kind":"Name","value":"pm1"}},{"kind":"Field","name":{"kind":"Name","value":"pm25"}},{"kind":"Field","name":{"kind":"Name","value":"pm4"}},{"kind":"Field","name":{"kind":"Name","value":"pm10"}},{"kind":"Field","name":{"kind":"Name","value":"weather"},"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withWeather"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"temperature"}},{"kind":"Field","name":{"kind":"Name","value":"humidity"}},{"kind":"Field","name":{"kind":"Name","value":"pressure"}}]}},{"kind":"Field","name":{"kind":"Name","value":"ambient"},"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withAmbient"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"co"}},{"kind":"Field","name":{"kind":"Name","value":"co2"}},{"kind":"Field","name":{"kind":"Name","value":"no2"}},{"kind":"Field","name":{"kind":"Name","value":"o3"}},{"kind":"Field","name":{"kind":"Name","value":"noise"}},{"kind":"Field","name":{"kind":"Name","value":"illuminance"}},{"kind":"Field","name":{"kind":"Name","value":"vocIndex"}},{"kind":"Field","name":{"kind":"Name","value":"noxIndex"}},{"kind":"Field","name":{"kind":"Name","value":"particles03"}}]}}]}}]} as unknown as DocumentNode<LiveSubscription, LiveSubscriptionVariables>;
export const MapDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Map"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"area"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Area"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"measuredAt"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"TimeRange"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"resolution"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"quantity"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Quantity"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"latestOf"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Quantity"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"maxDevices"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"scale"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"AirQualityScale"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"at"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"DateTime"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"withIndex"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Boolean"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"withWeather"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Boolean"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"withAmbient"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Boolean"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"withTrips"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Boolean"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"tripSpan"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"TimeRange"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"tripPoints"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"withPm25"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Boolean"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"withPm10"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Boolean"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"feedCursor"}},{"kind":"Field","alias":{"kind":"Name","value":"anyDevice"},"name":{"kind":"Name","value":"devices"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"1"}},{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"EnumValue","value":"LAST_SEEN_DESC"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"latest"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"measuredAt"}}]}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"cells"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"resolution"},"value":{"kind":"Variable","name":{"kind":"Name","value":"resolution"}}},{"kind":"Argument","name":{"kind":"Name","value":"wholeCells"},"value":{"kind":"BooleanValue","value":true}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"area"},"value":{"kind":"Variable","name":{"kind":"Name","value":"area"}}},{"kind":"ObjectField","name":{"kind":"Name","value":"measuredAt"},"value":{"kind":"Variable","name":{"kind":"Name","value":"measuredAt"}}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"index"}},{"kind":"Field","name":{"kind":"Name","value":"boundary"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}}]}},{"kind":"Field","name":{"kind":"Name","value":"count"},"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withIndex"}}}]}]},{"kind":"Field","name":{"kind":"Name","value":"coverage"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"of"},"value":{"kind":"Variable","name":{"kind":"Name","value":"quantity"}}}],"directives":[{"kind":"Directive","name":{"kind":"Name","value":"skip"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withIndex"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"count"}},{"kind":"Field","name":{"kind":"Name","value":"mean"}}]}},{"kind":"Field","name":{"kind":"Name","value":"airQualityIndex"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"scale"},"value":{"kind":"Variable","name":{"kind":"Name","value":"scale"}}},{"kind":"Argument","name":{"kind":"Name","value":"at"},"value":{"kind":"Variable","name":{"kind":"Name","value":"at"}}}],"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withIndex"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"value"}},{"kind":"Field","name":{"kind":"Name","value":"coverage"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"devices"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"maxDevices"}}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"area"},"value":{"kind":"Variable","name":{"kind":"Name","value":"area"}}}]}},{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"EnumValue","value":"LAST_SEEN_DESC"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}}]}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"key"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"kind"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}},{"kind":"Field","name":{"kind":"Name","value":"latest"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"of"},"value":{"kind":"Variable","name":{"kind":"Name","value":"latestOf"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"LatestValue"}}]}},{"kind":"Field","name":{"kind":"Name","value":"airQualityIndex"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"scale"},"value":{"kind":"Variable","name":{"kind":"Name","value":"scale"}}},{"kind":"Argument","name":{"kind":"Name","value":"at"},"value":{"kind":"Variable","name":{"kind":"Name","value":"at"}}}],"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withIndex"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"value"}}]}}]}}]}},{"kind":"Field","alias":{"kind":"Name","value":"mobile"},"name":{"kind":"Name","value":"devices"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"20"}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"area"},"value":{"kind":"Variable","name":{"kind":"Name","value":"area"}}},{"kind":"ObjectField","name":{"kind":"Name","value":"kind"},"value":{"kind":"EnumValue","value":"MOBILE"}}]}},{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"EnumValue","value":"LAST_SEEN_DESC"}}],"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withTrips"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}}]}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"key"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"trips"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"measuredAt"},"value":{"kind":"Variable","name":{"kind":"Name","value":"tripSpan"}}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"4"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}}]}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"start"}},{"kind":"Field","name":{"kind":"Name","value":"end"}},{"kind":"Field","name":{"kind":"Name","value":"distance"}},{"kind":"Field","name":{"kind":"Name","value":"pm25"},"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withPm25"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"mean"}}]}},{"kind":"Field","name":{"kind":"Name","value":"pm10"},"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withPm10"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"mean"}}]}},{"kind":"Field","name":{"kind":"Name","value":"points"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"limit"},"value":{"kind":"Variable","name":{"kind":"Name","value":"tripPoints"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"measuredAt"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}},{"kind":"Field","name":{"kind":"Name","value":"pm25"},"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withPm25"}}}]}]},{"kind":"Field","name":{"kind":"Name","value":"pm10"},"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withPm10"}}}]}]}]}}]}}]}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LatestValue"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Measurement"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"measuredAt"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}},{"kind":"Field","name":{"kind":"Name","value":"pm1"}},{"kind":"Field","name":{"kind":"Name","value":"pm25"}},{"kind":"Field","name":{"kind":"Name","value":"pm4"}},{"kind":"Field","name":{"kind":"Name","value":"pm10"}},{"kind":"Field","name":{"kind":"Name","value":"weather"},"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withWeather"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"temperature"}},{"kind":"Field","name":{"kind":"Name","value":"humidity"}},{"kind":"Field","name":{"kind":"Name","value":"pressure"}}]}},{"kind":"Field","name":{"kind":"Name","value":"ambient"},"directives":[{"kind":"Directive","name":{"kind":"Name","value":"include"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"if"},"value":{"kind":"Variable","name":{"kind":"Name","value":"withAmbient"}}}]}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"co"}},{"kind":"Field","name":{"kind":"Name","value":"co2"}},{"kind":"Field","name":{"kind":"Name","value":"no2"}},{"kind":"Field","name":{"kind":"Name","value":"o3"}},{"kind":"Field","name":{"kind":"Name","value":"noise"}},{"kind":"Field","name":{"kind":"Name","value":"illuminance"}},{"kind":"Field","name":{"kind":"Name","value":"vocIndex"}},{"kind":"Field","name":{"kind":"Name","value":"noxIndex"}},{"kind":"Field","name":{"kind":"Name","value":"particles03"}}]}}]}}]} as unknown as DocumentNode<MapQuery, MapQueryVariables>;