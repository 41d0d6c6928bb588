import { expect, test } from "vitest";
import { formatAddress, parseAddress } from "../../../src/explorer/address";
import { DEFAULT_VIEW, MAX_SUBJECTS, type View } from "../../../src/explorer/view";

const full: View = {
  camera: { latitude: 52.2053, longitude: 0.1218, zoom: 12.5 },
  layer: { kind: "index", scale: "UK_DAQI" },
  range: { kind: "between", from: "2026-05-01T00:00:00.000Z", to: "2026-05-08T00:00:00.000Z" },
  at: "2026-05-03T12:00:00.000Z",
  subjects: [
    { kind: "device", key: "bike 07/a&b" },
    { kind: "cell", cell: "891f1d48863ffff" },
    { kind: "trip", id: "dHJpcDox==" },
  ],
  tab: "table",
  live: false,
  trips: false,
  steps: [5, 10, 25.5],
  classes: [0, 2],
  embed: true,
};

test("the default view has an empty address", () => {
  expect(formatAddress(DEFAULT_VIEW)).toBe("");
  expect(parseAddress("")).toEqual(DEFAULT_VIEW);
});

test("a view is the same after its address", () => {
  expect(parseAddress(formatAddress(full))).toEqual(full);
});

test("an address is short and readable", () => {
  const view: View = {
    ...DEFAULT_VIEW,
    camera: { latitude: 52.2053, longitude: 0.1218, zoom: 12 },
    layer: { kind: "quantity", quantity: "PM10" },
    range: { kind: "recent", hours: 168 },
    subjects: [{ kind: "device", key: "bike-07" }],
  };
  expect(formatAddress(view)).toBe("?map=52.2053,0.1218,12&show=PM10&last=168&open=device:bike-07");
});

test("a camera has the decimals that its zoom shows", () => {
  const at = (zoom: number) => formatAddress({ ...DEFAULT_VIEW, camera: { latitude: 52.123456789, longitude: -0.123456789, zoom } });
  expect(at(2)).toBe("?map=52.12,-0.12,2");
  expect(at(18)).toBe("?map=52.123457,-0.123457,18");
});

test.each([
  "?map=north,pole,1",
  "?map=91,0,3",
  "?map=1,2",
  "?show=GOLD",
  "?last=-1",
  "?last=1e99",
  "?from=2026-05-02T00:00Z&to=2026-05-01T00:00Z",
  "?from=yesterday&to=today",
  "?time=2026-99-99T00:00Z",
  "?open=device:&open=house:7&open=cell:xyz",
  "?steps=3,2,1&classes=1.5",
  "?unknown=1",
])("invalid parameters are ignored: %s", (address) => {
  expect(parseAddress(address)).toEqual(DEFAULT_VIEW);
});

test("subjects are different and not more than the maximum", () => {
  const keys = ["a", "a", "b", "c", "d", "e", "f", "g"];
  const { subjects } = parseAddress(`?${keys.map((key) => `open=device:${key}`).join("&")}`);
  expect(subjects).toHaveLength(MAX_SUBJECTS);
  expect(new Set(subjects.map((subject) => JSON.stringify(subject))).size).toBe(MAX_SUBJECTS);
});
