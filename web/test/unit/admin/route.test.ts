import { expect, test } from "vitest";
import { hrefOf, parseRoute, type Route, sectionOf } from "../../../src/admin/route";

const routes: Route[] = [
  { page: "devices", text: "" },
  { page: "devices", text: "bike & co?" },
  { page: "device", key: "bike-07" },
  { page: "device", key: "a/b?c#d %" },
  { page: "register" },
  { page: "keys", text: "" },
  { page: "keys", text: "Bike 7" },
  { page: "createKey" },
  { page: "createKey", device: "a&b" },
  { page: "uplinks" },
  { page: "uplinks", outcome: "UNDECODABLE", device: "a&b" },
  { page: "uplink", id: "VXBsaW5rOjE" },
  { page: "import" },
  { page: "load" },
];

test.each(routes)("a route is read back from its link: $page", (route) => {
  expect(parseRoute(hrefOf(route))).toEqual(route);
});

test.each(["", "#", "#nothing", "#devices/%E0%A4%A", "#devices?register=no&text=x"])(
  "an unknown fragment shows devices: %s",
  (fragment) => {
    expect(sectionOf(parseRoute(fragment))).toBe("devices");
  },
);

test("an unknown outcome is left out", () => {
  expect(parseRoute("#uplinks?outcome=LOST")).toEqual({ page: "uplinks" });
});
