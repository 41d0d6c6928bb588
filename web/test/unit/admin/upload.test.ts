import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { upload } from "../../../src/admin/import/upload";
import { writeApiKey } from "../../../src/apiKey";

/** An `XMLHttpRequest` that the test answers. */
class FakeRequest extends EventTarget {
  static last: FakeRequest;
  readonly upload = new EventTarget();
  readonly sentHeaders: Record<string, string> = {};
  method = "";
  url = "";
  body: unknown;
  status = 0;
  responseText = "";
  headers: Record<string, string> = {};

  constructor() {
    super();
    FakeRequest.last = this;
  }
  open(method: string, url: string) {
    Object.assign(this, { method, url });
  }
  setRequestHeader(name: string, value: string) {
    this.sentHeaders[name] = value;
  }
  getResponseHeader(name: string) {
    return this.headers[name] ?? null;
  }
  send(body: unknown) {
    this.body = body;
  }
  abort() {
    this.dispatchEvent(new Event("abort"));
  }
  answer(status: number, body: unknown, headers: Record<string, string> = {}) {
    Object.assign(this, { status, responseText: JSON.stringify(body), headers });
    this.dispatchEvent(new Event("load"));
  }
  progress(loaded: number, total: number) {
    this.upload.dispatchEvent(Object.assign(new Event("progress"), { loaded, total }));
  }
}

const report = { dryRun: false, lines: 2, recorded: 1, duplicates: 0, rejected: { count: 1, lines: [] } };
const file = new Blob(["time,pm10\n"]);

beforeEach(() => {
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
  vi.stubGlobal("sessionStorage", undefined);
  writeApiKey("secret");
});
afterEach(() => {
  writeApiKey("");
  vi.unstubAllGlobals();
});

function start(controller = new AbortController(), onProgress = (_: number) => {}) {
  return upload("http://air.test/ingest/csv", file, controller.signal, onProgress);
}

test("a file is sent with the key in a header, and its report returned", async () => {
  const shares: number[] = [];
  const result = start(new AbortController(), (share) => shares.push(share));
  const request = FakeRequest.last;
  expect(request).toMatchObject({ method: "POST", url: "http://air.test/ingest/csv", body: file });
  expect(request.sentHeaders["authorization"]).toBe("Bearer secret");
  request.progress(5, 10);
  request.progress(0, 0);
  request.answer(200, report);
  expect(await result).toEqual({ kind: "done", report });
  expect(shares).toEqual([0.5, 1]);
});

test("a failure has the report of the part before it", async () => {
  const result = start();
  FakeRequest.last.answer(422, { report, errors: [{ code: "NOTHING_RECORDED", detail: "no line was stored" }] });
  expect(await result).toEqual({
    kind: "failed",
    failure: { kind: "invalid", message: "no line was stored", argument: undefined },
    report,
  });
});

test("a rate limit has its wait", async () => {
  const result = start();
  FakeRequest.last.answer(429, { errors: [{ code: "RATE_LIMITED", detail: "slow down" }] }, { "retry-after": "7" });
  expect(await result).toMatchObject({ kind: "failed", failure: { kind: "busy", retryAfter: 7 } });
});

test("a key that is no longer valid is recognised", async () => {
  const result = start();
  FakeRequest.last.answer(401, { errors: [{ code: "UNAUTHENTICATED", detail: "invalid API key" }] });
  expect(await result).toMatchObject({ failure: { kind: "unauthorized", isForbidden: false } });
});

test("a proxy's page is a failure of the gateway's address", async () => {
  const result = start();
  FakeRequest.last.answer(502, "<html>");
  expect(await result).toMatchObject({ kind: "failed", failure: { kind: "unreachable" } });
});

test("without an answer the gateway is unreachable", async () => {
  const result = start();
  FakeRequest.last.dispatchEvent(new Event("error"));
  expect(await result).toEqual({ kind: "failed", failure: { kind: "unreachable" } });
});

test("a cancelled upload ends the request", async () => {
  const controller = new AbortController();
  const result = start(controller);
  controller.abort();
  expect(await result).toEqual({ kind: "cancelled" });
});
