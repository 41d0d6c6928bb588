import { useSyncExternalStore } from "react";
import { hrefOf, parseRoute, type Route } from "../route";

/** Number of navigations so far. */
let visits = 0;

/** The present route, and a number that changes with each navigation, also to a route of the same page. */
export function useRoute(): { route: Route; visit: number } {
  const visit = useSyncExternalStore(subscribe, () => visits);
  return { route: parseRoute(location.hash), visit };
}

/** Goes to another route, as a link does. */
export function navigate(route: Route): void {
  location.hash = hrefOf(route);
}

/** Changes the address of the present route, such as its search text, without a step in the history. */
export function replaceRoute(route: Route): void {
  history.replaceState(history.state, "", hrefOf(route));
}

function subscribe(listener: () => void): () => void {
  const onNavigation = () => {
    visits += 1;
    listener();
  };
  window.addEventListener("hashchange", onNavigation);
  return () => window.removeEventListener("hashchange", onNavigation);
}
