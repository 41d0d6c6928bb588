// What the panels say: sentences beside values, summaries of charts, tables and files.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { timeLabels } from "../../src/explorer/panels/charts/axes";
import { FLAGS, formatFlags } from "../../src/explorer/panels/data/flags";
import { formatBucket, formatInterval, formatSpan } from "../../src/explorer/panels/data/labels";
import { emptyPoint, type Point } from "../../src/explorer/panels/data/point";
import { csvOf, fileName } from "../../src/explorer/panels/frame/columns";
import { measurementsExport } from "../../src/explorer/panels/frame/exportLink";
import { inlineText, parseMarkdown } from "../../src/explorer/panels/meaning/markdown";
import {
  describePoint,
  exposureMeaning,
  indexMeaning,
  latestMeaning,
  meanMeaning,
  seriesMeaning,
} from "../../src/explorer/panels/meaning/sentence";
import { seriesColumns } from "../../src/explorer/panels/series/seriesColumns";
import { describeSeries } from "../../src/explorer/panels/series/summary";

/** Local times, so that the tests hold in every time zone. */
const local = (day: number, hour: number, minute = 0) => new Date(2026, 4, day, hour, minute).getTime() / 1000;
const plain = (text: string) => text.replaceAll("\u202f", " ").replaceAll(" 2026", "");

function hour(at: number, mean: number | null, extra: Partial<Point> = {}): Point {
  const start = local(1, at);
  return { ...emptyPoint(start + 1800, start, start + 3600), mean, count: mean === null ? 0 : 12, ...extra };
}

test("a mean has its number of values, its coverage and what is left out", () => {
  expect(plain(meanMeaning({ count: 12_345, invalid: 0, coverage: 0.974 }))).toBe(
    "Of 12 345 values, each with the same weight; 97 % of the hours have data; none left out. Uncorrected.",
  );
  expect(plain(seriesMeaning("1 hour", { count: 1, invalid: 2, coverage: null }))).toBe(
    "Mean of each hour, from 1 value; the band is the middle 80 % of them. 2 values out of range left out. Uncorrected.",
  );
});

test("a latest value has its time, its uncertainty and its flags", () => {
  expect(plain(latestMeaning(local(1, 9, 5), [], null))).toBe(
    "One sample, taken Fri 1 May 09:05: not averaged. No quality flag. Uncorrected.",
  );
  expect(plain(latestMeaning(local(1, 9, 5), ["SPIKE"], 30))).toMatch(
    /or up to 30 s earlier: not averaged\. Flagged: spike \(particulates rose/,
  );
});

test("an index says its averaging, or why there is none", () => {
  const index = { scale: "UK_DAQI", value: 3, pollutant: "PM2_5", coverage: 1, end: local(1, 9) } as const;
  expect(plain(indexMeaning(index))).toBe("PM2.5, mean of 24 h to 09:00; 100 % of the hours have data.");
  expect(plain(indexMeaning({ ...index, value: null, coverage: 0.5 }))).toBe(
    "No index: 50 % of the hours have data; 75 % are needed.",
  );
});

test("exposure says how it is weighted", () => {
  expect(exposureMeaning(525)).toContain("Time-weighted mean of 525 samples");
});

test("a series in a sentence has extremes, gaps and flags", () => {
  const flags = [{ flag: "SPIKE", count: 2 }] as const;
  const points = [hour(0, 4), hour(1, null), hour(2, null), hour(3, 9, { flags }), hour(4, 6)];
  expect(plain(describeSeries(points, "PM2_5"))).toBe(
    "PM2.5 is lowest at 4.0 µg/m³ (Fri 1 May 00:00–01:00) and highest at 9.0 µg/m³ (Fri 1 May 03:00–04:00). " +
      "There is one gap without data, of 2 h. 2 flags of doubtful values.",
  );
  expect(describeSeries([hour(0, null)], "PM2_5")).toBe("No data.");
});

test("a point is read with its band and its number of values", () => {
  expect(plain(describePoint(hour(8, 9.04, { low: 8, high: 10 }), "PM2_5"))).toBe(
    "Fri 1 May 08:00–09:00: 9.0 µg/m³, 10 to 90 %: 8.0 µg/m³ to 10.0 µg/m³, 12 values",
  );
  expect(plain(describePoint(hour(8, null), "PM2_5"))).toBe("Fri 1 May 08:00–09:00: no data");
});

test("buckets and spans are written as short as they can be", () => {
  expect(plain(formatBucket(local(1, 0), local(2, 0)))).toBe("Fri 1 May");
  expect(plain(formatBucket(local(4, 0), local(11, 0)))).toBe("Mon 4 May – Sun 10 May");
  expect(plain(formatSpan(local(1, 8), local(1, 9)))).toBe("Fri 1 May 08:00 to 09:00");
  expect([60, 3600, 82_800, 86_400, 2_678_400].map(formatInterval)).toEqual(["1 minute", "1 hour", "1 day", "1 day", "1 month"]);
});

test("the axis has the day below its first clock time and each new day", () => {
  const labels = timeLabels([local(1, 12), local(1, 18), local(2, 0), local(2, 6)], 6 * 3600);
  expect(labels).toEqual(["12:00\n1 May", "18:00", "00:00\n2 May", "06:00"]);
});

test("a CSV file follows RFC 4180, and no text becomes a formula", () => {
  const columns = [
    { header: "Name", name: "name", text: () => "", value: ({ name }: { name: string }) => name },
    { header: "Value", name: "value", text: () => "", value: ({ value }: { value: number | null }) => value },
  ];
  const rows = [
    { name: 'a, "b"', value: -1.25 },
    { name: "=1+1", value: null },
  ];
  expect(csvOf(columns, rows)).toBe('name,value\r\n"a, ""b""",-1.25\r\n\'=1+1,\r\n');
});

test("the file of a series has UTC times, unrounded values and units", () => {
  const [header, row] = csvOf(seriesColumns("PM2_5"), [hour(8, 9.123456, { low: 8, high: 10 })]).split("\r\n");
  expect(header).toContain("start,PM2.5 mean (µg/m³),PM2.5 p10 (µg/m³)");
  expect(row).toContain(`${new Date(local(1, 8) * 1000).toISOString()},9.123456,8,10`);
});

test("file names have no characters that a system refuses", () => {
  expect(fileName("Station 1, Märkt/Platz", "PM2.5", "2026-05-01")).toBe("station-1-märkt-platz-pm2.5-2026-05-01.csv");
});

test("the link to the export has the same device and span", () => {
  expect(measurementsExport("bike 7&8", { from: "2026-05-01T00:00:00Z", to: "2026-05-02T00:00:00Z" })).toBe(
    "export/measurements.csv?device=bike+7%268&from=2026-05-01T00%3A00%3A00Z&to=2026-05-02T00%3A00%3A00Z",
  );
});

test("flags are named within a sentence", () => {
  expect(formatFlags([{ flag: "PM25_ABOVE_PM10", count: 2 }, { flag: "SPIKE", count: 1 }])).toBe("2 PM2.5 above PM10, 1 spike");
});

const science = readFileSync(new URL("../../../docs/science.md", import.meta.url), "utf8");

test("the documentation has every section that a sentence refers to, and every flag", () => {
  const blocks = parseMarkdown(science);
  const headings = blocks.flatMap((block) => (block.kind === "heading" ? [inlineText(block.content)] : []));
  expect(headings).toEqual(
    expect.arrayContaining(["Stored values", "Quality flags", "Statistics", "Air quality indices", "Trips"]),
  );
  const flags = blocks.flatMap((block) =>
    block.kind === "table" && block.header[0] && inlineText(block.header[0]) === "Flag"
      ? block.rows.map(([cell]) => inlineText(cell ?? []))
      : [],
  );
  expect(flags).toEqual(Object.keys(FLAGS));
});

test("tables, lists and code of the documentation are parsed", () => {
  expect(parseMarkdown("# T\n\ntext `code` and **bold**\nnext\n\n- one\n  two\n- three\n\n| A | B |\n|---|---|\n| `x` | y |\n")).toEqual([
    { kind: "heading", level: 1, content: [{ kind: "text", text: "T" }] },
    {
      kind: "paragraph",
      content: [
        { kind: "text", text: "text " },
        { kind: "code", text: "code" },
        { kind: "text", text: " and " },
        { kind: "bold", text: "bold" },
        { kind: "text", text: " next" },
      ],
    },
    { kind: "list", items: [[{ kind: "text", text: "one two" }], [{ kind: "text", text: "three" }]] },
    {
      kind: "table",
      header: [[{ kind: "text", text: "A" }], [{ kind: "text", text: "B" }]],
      rows: [[[{ kind: "code", text: "x" }], [{ kind: "text", text: "y" }]]],
    },
  ]);
});
