import { useSyncExternalStore } from "react";
import { readApiKey, writeApiKey } from "../apiKey";

const listeners = new Set<() => void>();

/** Stores the API key of this tab; every component that uses it renders again. */
export function setApiKey(key: string): void {
  writeApiKey(key);
  for (const listener of listeners) {
    listener();
  }
}

export function useApiKey(): string {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, readApiKey);
}
