import { expect, test } from "vitest";
import { playgroundLink, readPlaygroundLink } from "../../src/shared/playgroundLink";

const request = { query: "query Q($name: String) { a(name: $name) # µg/m³ 🚲 \n }", variables: '{\n  "name": "Zoë"\n}' };

test("a request is read back from its link, whatever its characters", () => {
  const link = new URL(playgroundLink(request, "http://air.test/city/?quantity=PM10"));
  expect(link.href).toMatch(/^http:\/\/air\.test\/city\/playground#request=[\w-]+$/);
  expect(readPlaygroundLink(link.hash)).toEqual(request);
});

test("variables are optional", () => {
  expect(readPlaygroundLink(`#request=${btoa('{"query":"{ a }"}')}`)).toEqual({ query: "{ a }", variables: "{}" });
});

test.each(["", "#", "#other=1"])("a fragment without a request has none: %s", (fragment) => {
  expect(readPlaygroundLink(fragment)).toBeUndefined();
});

test.each(["#request=", "#request=%%", `#request=${btoa("{")}`, `#request=${btoa('{"query":1}')}`, `#request=${btoa('{"query":"","variables":[]}')}`, `#request=${btoa("\xff")}`, `#request=${"a".repeat(500_000)}`])(
  "a request that cannot be read is invalid",
  (fragment) => {
    expect(readPlaygroundLink(fragment)).toBe("invalid");
  },
);
