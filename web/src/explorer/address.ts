// The view in the address bar. Parameters with the default value are left out, so that links are short:
//
//   ?map=52.2053,0.1218,12&show=PM10&last=168&open=device:bike-07
//
// Unknown and invalid parameters are ignored: a link of another version still opens.
import { isScale } from "../shared/airQualityScale";
import { isQuantity } from "../shared/quantity";
import { layerName } from "./layer";
import { areSteps, MAX_STEPS } from "./legend/steps";
import {
  type Camera,
  DEFAULT_VIEW,
  type Layer,
  MAX_SUBJECTS,
  type Range,
  sameSubject,
  type Subject,
  subjectKey,
  type View,
} from "./view";

/** Longest range of a link, in hours: 100 years. */
const MAX_RANGE_HOURS = 876_600;

/** The query of the address of a view, with `?`; empty for the default view. */
export function formatAddress(view: View): string {
  const parameters: [string, string][] = [];
  if (view.camera) {
    parameters.push(["map", formatCamera(view.camera)]);
  }
  const layer = layerName(view.layer);
  if (layer !== "PM2_5") {
    parameters.push(["show", layer]);
  }
  if (view.range.kind === "between") {
    parameters.push(["from", shortTime(view.range.from)], ["to", shortTime(view.range.to)]);
  } else if (view.range.hours !== 24) {
    parameters.push(["last", String(view.range.hours)]);
  }
  if (view.at !== null) {
    parameters.push(["time", shortTime(view.at)]);
  }
  for (const subject of view.subjects) {
    parameters.push(["open", subjectKey(subject)]);
  }
  if (view.tab !== DEFAULT_VIEW.tab) {
    parameters.push(["tab", view.tab]);
  }
  if (!view.live) {
    parameters.push(["live", "off"]);
  }
  if (!view.trips) {
    parameters.push(["trips", "off"]);
  }
  if (view.steps) {
    parameters.push(["steps", view.steps.join(",")]);
  }
  if (view.classes) {
    parameters.push(["classes", view.classes.join(",")]);
  }
  const text = parameters.map(([name, value]) => `${name}=${encodeValue(value)}`);
  if (view.embed) {
    text.push("embed");
  }
  return text.length === 0 ? "" : `?${text.join("&")}`;
}

/** The view of an address' query. */
export function parseAddress(query: string): View {
  const parameters = new URLSearchParams(query);
  const get = (name: string) => parameters.get(name);
  return {
    camera: parseCamera(get("map")),
    layer: parseLayer(get("show")),
    range: parseRange(get("from"), get("to"), get("last")),
    at: parseTime(get("time")),
    subjects: parseSubjects(parameters.getAll("open")),
    tab: get("tab") === "table" ? "table" : "map",
    live: get("live") !== "off",
    trips: get("trips") !== "off",
    steps: parseSteps(get("steps")),
    classes: parseClasses(get("classes")),
    embed: parameters.has("embed"),
  };
}

/** Characters that are readable in a query and need no encoding there. */
function encodeValue(value: string): string {
  return encodeURIComponent(value).replace(/%(?:2C|3A|40|2F)/g, decodeURIComponent);
}

/** Decimals that are less than a pixel at the zoom. */
function formatCamera({ latitude, longitude, zoom }: Camera): string {
  const decimals = Math.min(Math.max(Math.ceil(zoom / 3.3) + 1, 1), 6);
  const round = (degrees: number) => String(Number(degrees.toFixed(decimals)));
  return `${round(latitude)},${round(longitude)},${Number(zoom.toFixed(2))}`;
}

function parseCamera(text: string | null): Camera | null {
  const numbers = parseNumbers(text);
  const [latitude, longitude, zoom] = numbers ?? [];
  if (numbers?.length !== 3 || latitude === undefined || longitude === undefined || zoom === undefined) {
    return null;
  }
  const valid = Math.abs(latitude) <= 85.06 && Math.abs(longitude) <= 180 && zoom >= 0 && zoom <= 22;
  return valid ? { latitude, longitude, zoom } : null;
}

function parseLayer(text: string | null): Layer {
  if (text !== null && isQuantity(text)) {
    return { kind: "quantity", quantity: text };
  }
  return text !== null && isScale(text) ? { kind: "index", scale: text } : DEFAULT_VIEW.layer;
}

function parseRange(from: string | null, to: string | null, last: string | null): Range {
  const start = parseTime(from);
  const end = parseTime(to);
  if (start !== null && end !== null && start < end) {
    return { kind: "between", from: start, to: end };
  }
  const hours = Number(last ?? Number.NaN);
  return hours > 0 && hours <= MAX_RANGE_HOURS ? { kind: "recent", hours } : DEFAULT_VIEW.range;
}

function parseSubjects(texts: string[]): Subject[] {
  const subjects: Subject[] = [];
  for (const text of texts) {
    const subject = parseSubject(text);
    if (subject && !subjects.some((other) => sameSubject(other, subject))) {
      subjects.push(subject);
    }
  }
  return subjects.slice(0, MAX_SUBJECTS);
}

function parseSubject(text: string): Subject | undefined {
  const colon = text.indexOf(":");
  const kind = text.slice(0, colon);
  const value = text.slice(colon + 1);
  if (colon < 1 || value === "") {
    return undefined;
  }
  switch (kind) {
    case "device":
      return { kind, key: value };
    case "cell":
      return /^[0-9a-f]{15}$/.test(value) ? { kind, cell: value } : undefined;
    case "trip":
      return { kind, id: value };
    default:
      return undefined;
  }
}

function parseSteps(text: string | null): number[] | null {
  const numbers = parseNumbers(text);
  return numbers && areSteps(numbers) ? numbers : null;
}

function parseClasses(text: string | null): number[] | null {
  const numbers = parseNumbers(text);
  const valid = numbers?.every((number) => Number.isInteger(number) && number >= 0 && number <= MAX_STEPS);
  return numbers && valid ? [...new Set(numbers)].sort((one, other) => one - other) : null;
}

function parseNumbers(text: string | null): number[] | null {
  if (text === null || !/^-?[\d.]+(?:,-?[\d.]+)*$/.test(text)) {
    return null;
  }
  const numbers = text.split(",").map(Number);
  return numbers.every(Number.isFinite) ? numbers : null;
}

/** RFC 3339 in UTC, without seconds and milliseconds that are 0. */
function shortTime(time: string): string {
  return new Date(time).toISOString().replace(/\.000Z$/, "Z").replace(/:00Z$/, "Z");
}

function parseTime(text: string | null): string | null {
  if (text === null || !/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z$/.test(text)) {
    return null;
  }
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}
