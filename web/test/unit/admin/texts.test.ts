import { expect, test } from "vitest";
import { importUrl } from "../../../src/admin/import/options";
import { reportOf } from "../../../src/admin/import/report";
import { modulesPath } from "../../../src/admin/keys/QrCode";
import { stateOf } from "../../../src/admin/keys/state";
import { formatBytes } from "../../../src/admin/ui/bytes";
import { hexDump, prettyJson } from "../../../src/admin/uplinks/body";
import { countsOf } from "../../../src/admin/uplinks/OutcomeTag";
import { addReplay, describeReplay, NOTHING_REPLAYED } from "../../../src/admin/uplinks/replay";

test("options of an import become query parameters; empty ones are left out", () => {
  const options = { device: " bike 7 ", date: "", columns: "Zeit:time,Feinstaub:pm10" };
  expect(importUrl("http://air.test/city/admin#import", options, true)).toBe(
    "http://air.test/city/ingest/csv?device=bike+7&columns=Zeit%3Atime%2CFeinstaub%3Apm10&dryRun=true",
  );
  expect(importUrl("http://air.test/admin", { device: "", date: "", columns: "" }, false)).toBe(
    "http://air.test/ingest/csv",
  );
});

test("a report is found alone and beside an error", () => {
  const report = { dryRun: false, lines: 1, recorded: 0, duplicates: 0, rejected: { count: 1, lines: [] } };
  expect(reportOf(report)).toBe(report);
  expect(reportOf({ report, errors: [] })).toBe(report);
  expect(reportOf({ errors: [] })).toBeUndefined();
  expect(reportOf("<html>")).toBeUndefined();
});

test("the dark modules of a QR code are drawn as runs", () => {
  expect(modulesPath([[true, true, false], [false, false, false], [true, false, true]])).toBe(
    "M0 0h2v1h-2zM0 2h1v1h-1zM2 2h1v1h-1z",
  );
});

test("a key is valid, expired or revoked", () => {
  const key = { id: "1", name: "k", role: "SENSOR" as const, createdAt: "2026-05-01T10:00:00Z" };
  const now = Date.parse("2026-05-02T10:00:00Z");
  const state = (times: { expiresAt?: string; revokedAt?: string }) =>
    stateOf({ deviceKey: null, lastUsedAt: null, createdBy: null, expiresAt: null, revokedAt: null, ...key, ...times }, now);
  expect(state({})).toBe("valid");
  expect(state({ expiresAt: "2026-05-02T10:00:00Z" })).toBe("expired");
  expect(state({ expiresAt: "2026-05-02T10:00:01Z" })).toBe("valid");
  expect(state({ expiresAt: "2026-05-01T11:00:00Z", revokedAt: "2026-05-01T12:00:00Z" })).toBe("revoked");
});

test("sizes have the largest unit", () => {
  expect([0, 1023, 1536, 5 * 1024 ** 3].map((bytes) => formatBytes(bytes).replaceAll("\u202f", " "))).toEqual([
    "0 B",
    "1 023 B",
    "1.5 KiB",
    "5.0 GiB",
  ]);
});

test("a body is shown as JSON, and as bytes when it is not text", () => {
  expect(prettyJson('{"pm10":1}')).toBe('{\n  "pm10": 1\n}');
  expect(prettyJson("pm10=1")).toBeUndefined();
  expect(hexDump(btoa("abc\u0000\u00ff"))).toBe(`00000000  ${"61 62 63 00 ff".padEnd(47)}  abc..`);
  expect(hexDump(btoa("x".repeat(5000)))).toContain("… 904 more bytes");
});

test("the counts of an uplink are those that are not zero", () => {
  expect(countsOf({ recorded: 7, duplicates: 0, rejected: 1 })).toBe("7 stored, 1 rejected");
  expect(countsOf({ recorded: 0, duplicates: 2, rejected: 0 })).toBe("2 duplicates");
  expect(countsOf({ recorded: 0, duplicates: 0, rejected: 0 })).toBe("no samples");
});

test("replays of several requests are added", () => {
  const result = {
    uplinks: 2,
    samples: 5,
    recorded: 3,
    duplicates: 2,
    rejected: 0,
    undecodable: 1,
    skipped: 0,
    hasMore: false,
    after: null,
  };
  const total = addReplay(addReplay(NOTHING_REPLAYED, result), { ...result, recorded: null, duplicates: null });
  expect(describeReplay(total, false)).toBe(
    "4 uplinks decoded again: 10 valid samples, 3 stored, 2 stored before, 2 uplinks undecodable.",
  );
  expect(describeReplay(addReplay(NOTHING_REPLAYED, result), true)).toBe(
    "2 uplinks decoded, nothing stored: 5 valid samples, 1 uplink undecodable.",
  );
});
