import { useEffect, useMemo, useReducer, useRef } from "react";
import { useClient } from "urql";
import { MapDocument, type MapQuery, type MapQueryVariables } from "../../graphql/generated/explorer";
import { type Failure, failureOf } from "../../shared/failure";
import { type Answer, AnswerCache } from "./answerCache";

export interface MapData {
  /** The latest answer. It stays while the next one is loading. */
  data: MapQuery | null;
  /** Variables of `data`, with the resolution that was used. */
  variables: MapQueryVariables | null;
  loading: boolean;
  failure: Failure | null;
}

type Action =
  | { type: "started" }
  | ({ type: "answered" } & Answer)
  | { type: "failed"; failure: Failure };

/** Time between the starts of two requests, in milliseconds: of a burst of movements only the last one needs an answer. */
const MIN_REQUEST_INTERVAL = 300;

const INITIAL: MapData = { data: null, variables: null, loading: false, failure: null };

function reduce(state: MapData, action: Action): MapData {
  switch (action.type) {
    case "started":
      return { ...state, loading: true };
    case "answered":
      return { data: action.data, variables: action.variables, loading: false, failure: null };
    case "failed":
      return { ...state, loading: false, failure: action.failure };
  }
}

/**
 * Runs the map's request, again when `variables` or `refresh` change; a request that is no longer needed is aborted. An
 * answer about the past is used again.
 * When an area has too many cells, the request is repeated with the resolution that the gateway names.
 */
export function useMapData(
  variables: MapQueryVariables | null,
  refresh: number,
  hasKey: boolean,
): MapData {
  const client = useClient();
  const cache = useMemo(() => new AnswerCache(), [client]);
  const [state, dispatch] = useReducer(reduce, INITIAL);
  const latest = useRef(variables);
  latest.current = variables;
  const key = variables && JSON.stringify(variables);
  const lastRefresh = useRef(refresh);
  const lastStart = useRef(Number.NEGATIVE_INFINITY);

  useEffect(() => {
    const wanted = latest.current;
    if (key === null || wanted === null) {
      return undefined;
    }
    const known = lastRefresh.current === refresh ? cache.get(key, Date.now()) : undefined;
    lastRefresh.current = refresh;
    if (known) {
      dispatch({ type: "answered", ...known });
      return undefined;
    }
    dispatch({ type: "started" });
    let subscription: { unsubscribe(): void } | undefined;
    const run = (attempt: MapQueryVariables) => {
      subscription = client.query(MapDocument, attempt).subscribe(({ data, error }) => {
        if (data && !error) {
          const answer = { data, variables: attempt };
          cache.set(key, answer, Date.now());
          dispatch({ type: "answered", ...answer });
          return;
        }
        if (error) {
          const failure = failureOf(error, hasKey);
          const fitting = fittingResolution(failure);
          if (fitting !== null && fitting < attempt.resolution) {
            // Not in this call: the finished request would be taken for the new one.
            queueMicrotask(() => !ended && run({ ...attempt, resolution: fitting }));
          } else {
            dispatch({ type: "failed", failure });
          }
        }
      });
    };
    let ended = false;
    const start = () => {
      lastStart.current = performance.now();
      run(wanted);
    };
    const wait = lastStart.current + MIN_REQUEST_INTERVAL - performance.now();
    const timer = wait > 0 ? setTimeout(start, wait) : undefined;
    if (timer === undefined) {
      start();
    }
    return () => {
      ended = true;
      clearTimeout(timer);
      subscription?.unsubscribe();
    };
  }, [client, cache, key, refresh, hasKey]);

  return state;
}

/** The resolution that the gateway suggests for an area with too many cells. */
export function fittingResolution(failure: Failure): number | null {
  if (failure.kind !== "invalid" || failure.argument !== "resolution") {
    return null;
  }
  return typeof failure.suggestedValue === "number" ? failure.suggestedValue : null;
}
