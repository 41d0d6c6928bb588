import { useCallback, useEffect, useState } from "react";
import { formatAddress, parseAddress } from "./address";
import type { View } from "./view";

/** Changes of these parts replace the entry of the browser's history; others add one, so that "back" undoes them. */
const REPLACING: readonly (keyof View)[] = ["camera", "at", "live", "steps", "classes"];

export type ChangeView = (change: Partial<View>) => void;

/** The view, kept in the address bar. */
export function useView(): [View, ChangeView] {
  const [view, setView] = useState(() => parseAddress(location.search));

  useEffect(() => {
    const restore = () => setView(parseAddress(location.search));
    addEventListener("popstate", restore);
    return () => removeEventListener("popstate", restore);
  }, []);

  const change = useCallback<ChangeView>((part) => {
    setView((current) => {
      const next = { ...current, ...part };
      const address = `${location.pathname}${formatAddress(next)}`;
      if (address !== location.pathname + location.search) {
        const replaces = Object.keys(part).every((name) => REPLACING.includes(name as keyof View));
        history[replaces ? "replaceState" : "pushState"](null, "", address);
      }
      return next;
    });
  }, []);

  return [view, change];
}
