import type { UplinkOutcome } from "../graphql/generated/admin";

/** What the admin page shows; it stands in the fragment of the address, so that Back and links work. */
export type Route =
  | { page: "devices"; text: string }
  | { page: "device"; key: string }
  | { page: "register" }
  | { page: "keys"; text: string }
  | { page: "createKey"; device?: string }
  | { page: "uplinks"; outcome?: UplinkOutcome; device?: string }
  | { page: "uplink"; id: string }
  | { page: "import" }
  | { page: "load" };

/** The sections of the navigation; a route without a section of its own belongs to one. */
export const SECTIONS = [
  { page: "devices", label: "Devices" },
  { page: "keys", label: "Keys" },
  { page: "uplinks", label: "Uplinks" },
  { page: "import", label: "Import" },
  { page: "load", label: "Load" },
] as const;

export type Section = (typeof SECTIONS)[number]["page"];

export function sectionOf({ page }: Route): Section {
  switch (page) {
    case "device":
    case "register":
      return "devices";
    case "createKey":
      return "keys";
    case "uplink":
      return "uplinks";
    default:
      return page;
  }
}

/** The route as a link: `#devices/bike-07`, `#uplinks?outcome=UNDECODABLE`. */
export function hrefOf(route: Route): string {
  switch (route.page) {
    case "device":
      return `#devices/${encodeURIComponent(route.key)}`;
    case "register":
      return "#devices?register";
    case "createKey":
      return `#keys?create${route.device === undefined ? "" : `&device=${encodeURIComponent(route.device)}`}`;
    case "uplink":
      return `#uplinks/${encodeURIComponent(route.id)}`;
    case "devices":
    case "keys":
      return `#${route.page}${query({ text: route.text })}`;
    case "uplinks":
      return `#uplinks${query({ outcome: route.outcome, device: route.device })}`;
    default:
      return `#${route.page}`;
  }
}

/** The route of a fragment; the devices when it has none. */
export function parseRoute(fragment: string): Route {
  const [path = "", search = ""] = fragment.replace(/^#\/?/, "").split("?", 2);
  const [section, encodedId] = path.split("/", 2);
  const id = decode(encodedId);
  const parameters = new URLSearchParams(search);
  const text = parameters.get("text") ?? "";
  const device = parameters.get("device") ?? undefined;
  switch (section) {
    case "keys":
      return parameters.has("create")
        ? { page: "createKey", ...(device === undefined ? {} : { device }) }
        : { page: "keys", text };
    case "uplinks": {
      if (id !== "") {
        return { page: "uplink", id };
      }
      const outcome = parameters.get("outcome");
      return {
        page: "uplinks",
        ...(outcome === "RECORDED" || outcome === "UNDECODABLE" ? { outcome } : {}),
        ...(device === undefined ? {} : { device }),
      };
    }
    case "import":
    case "load":
      return { page: section };
    default:
      if (id !== "") {
        return { page: "device", key: id };
      }
      return parameters.has("register") ? { page: "register" } : { page: "devices", text };
  }
}

function query(parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return given.length === 0 ? "" : `?${new URLSearchParams(given as [string, string][])}`;
}

function decode(text = ""): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
