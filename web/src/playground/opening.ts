import { useEffect, useMemo, useState } from "react";
import { readApiKey } from "../apiKey";
import { readPlaygroundLink } from "../shared/playgroundLink";
import { fetchExampleData, placeholders } from "./exampleData";
import { exampleTabs, type Tab } from "./examples";

/** What GraphiQL opens with. */
export interface Opening {
  /** Tabs of a first visit; later visits have the tabs of the visit before. */
  tabs: Tab[];
  /** A request that another page handed over; it becomes the active tab. */
  request?: Tab;
  /** Whether the address had a request that cannot be read. */
  isInvalid: boolean;
}

/** GraphiQL stores its tabs here. */
const STORED_TABS = "graphiql:tabState";

/**
 * The opening of this visit; undefined until the data of the examples is there. When the address changes to another
 * request, it is a new object.
 */
export function useOpening(endpoint: string): Opening | undefined {
  const [tabs, setTabs] = useState(() => (hasStoredTabs() ? exampleTabs(placeholders(new Date())) : undefined));
  const [request, setRequest] = useState(takeRequest);

  useEffect(() => {
    if (tabs === undefined) {
      void fetchExampleData(endpoint, readApiKey()).then((data) => setTabs(exampleTabs(data)));
    }
  }, [endpoint, tabs]);

  useEffect(() => {
    const onHashChange = () => {
      const next = takeRequest();
      if (next !== undefined) {
        setRequest(next);
      }
    };
    window.addEventListener("hashchange", onHashChange);
    return () => window.removeEventListener("hashchange", onHashChange);
  }, []);

  return useMemo(() => {
    if (tabs === undefined) {
      return undefined;
    }
    return request === undefined || request === "invalid"
      ? { tabs, isInvalid: request === "invalid" }
      : { tabs: [request, ...tabs], request, isInvalid: false };
  }, [tabs, request]);
}

/** Reads the request of the address and removes it there, so that a reload keeps what was edited since. */
function takeRequest(): Tab | "invalid" | undefined {
  const request = readPlaygroundLink(location.hash);
  if (request !== undefined) {
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return request;
}

function hasStoredTabs(): boolean {
  try {
    return localStorage.getItem(STORED_TABS) !== null;
  } catch {
    return false; // the browser refuses storage
  }
}
