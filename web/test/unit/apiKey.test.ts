import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { authorization, isSendable, readApiKey, writeApiKey } from "../../src/apiKey";

/** The part of `Storage` that the page uses. */
function fakeStorage() {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (name: string) => items.get(name) ?? null,
    setItem: (name: string, value: string) => items.set(name, value),
    removeItem: (name: string) => items.delete(name),
  };
}

const session = fakeStorage();
const local = fakeStorage();

beforeEach(() => {
  session.items.clear();
  vi.stubGlobal("sessionStorage", session);
  vi.stubGlobal("localStorage", local);
});

afterEach(() => vi.unstubAllGlobals());

test("there is no key at first", () => {
  expect(readApiKey()).toBe("");
});

test("a key is kept in the tab's storage and nowhere else", () => {
  writeApiKey("secret");
  expect(readApiKey()).toBe("secret");
  expect([...session.items.values()]).toEqual(["secret"]);
  expect(local.items.size).toBe(0);
});

test("spaces around a pasted key are dropped", () => {
  writeApiKey("  secret\n");
  expect(readApiKey()).toBe("secret");
});

test("an emptied field leaves nothing behind", () => {
  writeApiKey("secret");
  writeApiKey(" ");
  expect(session.items.size).toBe(0);
});

test("without storage the key is kept until the page is closed", () => {
  const refuse = () => {
    throw new Error("denied");
  };
  vi.stubGlobal("sessionStorage", { getItem: refuse, setItem: refuse, removeItem: refuse });
  writeApiKey("secret");
  expect(readApiKey()).toBe("secret");
  writeApiKey("");
  expect(readApiKey()).toBe("");
});

test("no key, no header", () => {
  expect(authorization("")).toEqual({});
  expect(authorization("secret")).toEqual({ authorization: "Bearer secret" });
});

test("a key that cannot be in a header is detected", () => {
  expect(isSendable("air_AZaz09-_.")).toBe(true);
  expect(isSendable("two words")).toBe(false);
  expect(isSendable("clé")).toBe(false);
});
