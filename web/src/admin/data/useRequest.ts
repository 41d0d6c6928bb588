import type { AnyVariables, TypedDocumentNode } from "@urql/core";
import { useEffect, useReducer, useState } from "react";
import { useClient } from "urql";
import { readApiKey } from "../../apiKey";
import { type Failure, failureOf } from "../../shared/failure";
import { useReportFailure } from "../shell/session";

export interface RequestState<Data> {
  /** The latest answer; it stays while a newer one is requested. */
  data: Data | undefined;
  failure: Failure | undefined;
  isLoading: boolean;
  /** Time of the latest answer, in milliseconds since 1970. */
  receivedAt: number | undefined;
}

const INITIAL = { data: undefined, failure: undefined, isLoading: true, receivedAt: undefined };

/**
 * Sends a query, and again when its variables, the key of the tab, or `reload` change it; with `interval`, also that many
 * milliseconds after each answer while the page is visible. An abandoned request is cancelled.
 */
export function useRequest<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  { interval }: { interval?: number } = {},
): RequestState<Data> & { reload: () => void } {
  const client = useClient();
  const reportFailure = useReportFailure();
  const [state, setState] = useState<RequestState<Data>>(INITIAL);
  const [round, reload] = useReducer((count: number) => count + 1, 0);
  const variablesText = JSON.stringify(variables);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    setState((before) => ({ ...before, isLoading: true }));
    const request = client.query(document, JSON.parse(variablesText) as Variables, {
      requestPolicy: "network-only",
    });
    const { unsubscribe } = request.subscribe(({ data, error }) => {
      const failure = error ? failureOf(error, readApiKey() !== "") : undefined;
      reportFailure(failure);
      setState((before) =>
        failure
          ? { ...before, failure, isLoading: false }
          : { data, failure: undefined, isLoading: false, receivedAt: Date.now() },
      );
      if (interval !== undefined) {
        timer = setTimeout(() => whenVisible(reload), interval);
      }
    });
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }, [client, document, variablesText, interval, round, reportFailure]);

  return { ...state, reload };
}

/** Calls `then` now, or when the page becomes visible. */
function whenVisible(then: () => void): void {
  if (window.document.visibilityState === "visible") {
    then();
  } else {
    window.document.addEventListener("visibilitychange", () => whenVisible(then), { once: true });
  }
}
