import { authorization } from "../apiKey";
import { PlaygroundDataDocument, type PlaygroundDataQuery } from "../graphql/generated/playground";
import { requestText } from "../shared/playgroundLink";

/** A device with a time span in which it has data. */
interface ExampleDevice {
  key: string;
  from: string;
  to: string;
}

/** What the examples' variables are made of. */
export interface ExampleData {
  fixed: ExampleDevice;
  mobile: ExampleDevice & { latitude: number; longitude: number };
  /** A PM2.5 value, in µg/m³, that some measurements exceed. */
  limit: number;
}

/** After this time the examples have placeholders. */
const FETCH_TIMEOUT = 2_000; // ms
const HOUR = 3_600_000; // ms
const DAY = 24 * HOUR;

/** Values that show their form, for a database without data. */
export function placeholders(now: Date): ExampleData {
  const span = spanUntil(now.getTime(), -Infinity);
  return {
    fixed: { key: "balcony", ...span },
    mobile: { key: "bike-07", ...span, latitude: 52.2, longitude: 0.12 },
    limit: 15,
  };
}

/** Data for the examples from the gateway's answer; what it doesn't have stays a placeholder. */
export function exampleDataFrom(answer: PlaygroundDataQuery, now: Date): ExampleData {
  const data = placeholders(now);
  const fixed = answer.fixed.nodes.find(({ latest }) => latest);
  const mobile = answer.mobile.nodes.find(({ latest }) => latest);
  const oldest = Date.parse(answer.oldest.nodes[0]?.measuredAt ?? "");
  const newest = fixed?.latest ?? mobile?.latest;

  if (fixed?.latest) {
    data.fixed = { key: fixed.key, ...spanUntil(Date.parse(fixed.latest.measuredAt), oldest) };
  } else if (mobile?.latest) {
    data.fixed = { key: mobile.key, ...spanUntil(Date.parse(mobile.latest.measuredAt), oldest) };
  }
  if (mobile?.latest) {
    data.mobile = {
      key: mobile.key,
      ...spanUntil(Date.parse(mobile.latest.measuredAt), oldest),
      latitude: round(mobile.latest.latitude ?? data.mobile.latitude, 3),
      longitude: round(mobile.latest.longitude ?? data.mobile.longitude, 3),
    };
  } else if (fixed?.latest) {
    data.mobile = {
      ...data.fixed,
      latitude: round(fixed.latitude ?? data.mobile.latitude, 3),
      longitude: round(fixed.longitude ?? data.mobile.longitude, 3),
    };
  }
  if (typeof newest?.pm25 === "number") {
    data.limit = round(newest.pm25, 0);
  }
  return data;
}

/** Reads the data for the examples; placeholders after any failure, since the examples must open in any case. */
export async function fetchExampleData(url: string, key: string): Promise<ExampleData> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", ...authorization(key) },
      body: JSON.stringify({ query: requestText(PlaygroundDataDocument, {}).query }),
      signal: AbortSignal.timeout(FETCH_TIMEOUT),
    });
    const { data } = (await response.json()) as { data?: PlaygroundDataQuery | null };
    return data ? exampleDataFrom(data, new Date()) : placeholders(new Date());
  } catch {
    return placeholders(new Date());
  }
}

/** The day that ends with the full hour after `newest`, but not before the first data. */
function spanUntil(newest: number, oldest: number): { from: string; to: string } {
  const to = (Math.floor(newest / HOUR) + 1) * HOUR;
  const from = Math.max(to - DAY, Math.floor(oldest / HOUR) * HOUR || -Infinity);
  return { from: time(from), to: time(to) };
}

/** RFC 3339 without fractions of a second. */
function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(".000Z", "Z");
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
