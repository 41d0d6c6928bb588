import { expect, test } from "vitest";
import { endpointFor } from "../../src/endpoint";

test("the endpoint is the page's sibling", () => {
  expect(endpointFor("http://localhost:8080/playground")).toEqual({
    http: "http://localhost:8080/graphql",
    ws: "ws://localhost:8080/graphql",
  });
});

test("behind TLS the socket is encrypted too", () => {
  expect(endpointFor("https://air.example/playground").ws).toBe("wss://air.example/graphql");
});

test("a path prefix is kept", () => {
  expect(endpointFor("https://example.org/city/air/playground")).toEqual({
    http: "https://example.org/city/air/graphql",
    ws: "wss://example.org/city/air/graphql",
  });
});

test("the page's query and fragment don't reach the endpoint", () => {
  expect(endpointFor("http://localhost/playground?x=1#y").http).toBe("http://localhost/graphql");
});
