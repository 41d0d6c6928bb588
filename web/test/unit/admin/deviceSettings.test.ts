import { expect, test } from "vitest";
import { deviceSettings } from "../../../src/admin/keys/deviceSettings";

const key = "ag_0123456789";

function setting(id: string, gateway: string, device?: string) {
  const found = deviceSettings({ gateway, key, ...(device === undefined ? {} : { device }) }).find(
    (setting) => setting.id === id,
  );
  if (!found) {
    throw new Error(`no setting ${id}`);
  }
  return found;
}

function fields(id: string, gateway: string, device?: string) {
  return Object.fromEntries(setting(id, gateway, device).fields.map(({ label, value }) => [label, value]));
}

test("every setting contains the key and names a page of the documentation", () => {
  for (const { id, fields, text, docs } of deviceSettings({ gateway: "https://air.example/", key })) {
    expect(`${text} ${fields.map(({ value }) => value).join(" ")}`, id).toContain(key);
    expect(docs).toMatch(/^[a-z]+$/);
  }
});

test("airRohr has host, port and path apart", () => {
  expect(fields("airrohr", "http://10.0.0.5:8000/")).toEqual({
    Server: "10.0.0.5",
    Path: "/data.php",
    Port: "8000",
    User: "sensor",
    Password: key,
  });
  expect(fields("airrohr", "https://air.example/city/")).toMatchObject({
    Path: "/city/data.php",
    Port: "443",
    HTTPS: "on",
  });
});

test("firmware without headers has the key in the path", () => {
  expect(fields("airgradient", "http://10.0.0.5:8000/")).toEqual({
    httpDomain: `10.0.0.5:8000/key/${key}`,
  });
});

test("a bound key is compared with the name that airRohr sends", () => {
  expect(setting("airrohr", "http://10.0.0.5:8000/", "roof").note).toContain("records only for roof");
  expect(setting("airrohr", "http://10.0.0.5:8000/").note).not.toContain("records only for");
});

test("texts for a shell are quoted", () => {
  const { text } = setting("json", "http://10.0.0.5:8000/", "Anna's bike");
  expect(text).toContain(`'{"device":"Anna'\\''s bike",`);
  expect(setting("csv", "http://10.0.0.5:8000/", "Anna's bike").text).toContain("device=Anna'\\''s%20bike");
});

test("the device is a placeholder when the key is not bound to one", () => {
  expect(fields("sensebox", "http://10.0.0.5:8000/")).toMatchObject({ SENSEBOX_ID: "my-device" });
});
