import { useSyncExternalStore } from "react";
import type { Failure } from "./failure";

/** The connection to the gateway, as its latest requests found it. */
export type Connection =
  | { status: "online" }
  /** Requests are repeated; the next one at `retryAt`, in milliseconds since 1970. */
  | { status: "waiting"; failure: Failure; retryAt: number };

const ONLINE: Connection = { status: "online" };

let current: Connection = ONLINE;
const listeners = new Set<() => void>();

export function reportConnection(next: Connection): void {
  if (next.status === "online" && current.status === "online") {
    return;
  }
  current = next.status === "online" ? ONLINE : next;
  for (const listener of listeners) {
    listener();
  }
}

export function readConnection(): Connection {
  return current;
}

function subscribeToConnection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useConnection(): Connection {
  return useSyncExternalStore(subscribeToConnection, readConnection);
}

const retryListeners = new Set<() => void>();

/** Ends the waits of all requests. */
export function retryNow(): void {
  for (const listener of retryListeners) {
    listener();
  }
}

export function onRetryNow(listener: () => void): () => void {
  retryListeners.add(listener);
  return () => retryListeners.delete(listener);
}
