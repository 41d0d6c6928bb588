import { expect, test } from "vitest";
import {
  type DeviceDraft,
  draftOf,
  EMPTY_DRAFT,
  errorsOf,
  parseCoordinates,
  registerInput,
  updateInput,
} from "../../../src/admin/devices/draft";

const station: DeviceDraft = {
  ...EMPTY_DRAFT,
  key: "station-1",
  name: "Roof",
  latitude: "48.2",
  longitude: "16.37",
  sensors: [{ row: 0, sensor: "5a86", quantity: "PM10" }],
};

test("a form without errors becomes the input of registerDevice; empty texts are left out", () => {
  expect(errorsOf(station)).toEqual({});
  expect(registerInput({ ...station, key: " station-1 ", attribution: "  " })).toEqual({
    key: "station-1",
    kind: "FIXED",
    name: "Roof",
    latitude: 48.2,
    longitude: 16.37,
    sensors: [{ sensor: "5a86", quantity: "PM10" }],
  });
});

test("a mobile device has no position", () => {
  expect(registerInput({ ...station, kind: "MOBILE" })).not.toHaveProperty("latitude");
});

test.each<[Partial<DeviceDraft>, keyof ReturnType<typeof errorsOf>]>([
  [{ key: " " }, "key"],
  [{ latitude: "90.1" }, "latitude"],
  [{ latitude: "48,2" }, "latitude"],
  [{ latitude: "" }, "latitude"],
  [{ longitude: "-180.5" }, "longitude"],
  [{ longitude: "" }, "longitude"],
  [{ longitude: "1e1" }, "longitude"],
  [{ sensors: [{ row: 0, sensor: " ", quantity: "PM10" }] }, "sensors"],
  [
    {
      sensors: [
        { row: 0, sensor: "a", quantity: "PM10" },
        { row: 1, sensor: "a ", quantity: "PM1" },
      ],
    },
    "sensors",
  ],
])("the field to correct is named: %j", (change, field) => {
  expect(Object.keys(errorsOf({ ...station, ...change }))).toEqual([field]);
});

test("an unchanged form is no update", () => {
  expect(updateInput(station, { ...station, name: " Roof " })).toBeUndefined();
});

test("an update has only what was changed, and null for what was removed", () => {
  expect(updateInput(station, { ...station, name: "", licence: "CC0-1.0" })).toEqual({
    key: "station-1",
    name: null,
    licence: "CC0-1.0",
  });
  expect(updateInput(station, { ...station, latitude: "", longitude: "" })).toEqual({
    key: "station-1",
    latitude: null,
    longitude: null,
  });
  expect(updateInput(station, { ...station, longitude: "16.38" })).toEqual({
    key: "station-1",
    latitude: 48.2,
    longitude: 16.38,
  });
  expect(updateInput(station, { ...station, sensors: [] })).toEqual({ key: "station-1", sensors: [] });
});

test("a stored device fills the form", () => {
  const device = {
    id: "1",
    key: "station-1",
    name: "Roof",
    kind: "FIXED" as const,
    latitude: 48.2,
    longitude: 16.37,
    licence: null,
    attribution: null,
    createdAt: "2026-05-01T10:00:00Z",
    sensors: [{ sensor: "5a86", quantity: "PM10" as const }],
    latest: null,
  };
  expect(draftOf(device)).toEqual(station);
});

test.each(["48.2082, 16.3738", "48.2082 16.3738", " 48.2082;16.3738 ", "48.2082°, 16.3738°"])(
  "pasted coordinates are divided: %s",
  (text) => expect(parseCoordinates(text)).toEqual({ latitude: "48.2082", longitude: "16.3738" }),
);

test.each(["48.2082", "48,2082, 16,3738", "north"])("other texts are pasted as they are: %s", (text) =>
  expect(parseCoordinates(text)).toBeUndefined(),
);
