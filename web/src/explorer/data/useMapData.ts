import { useEffect, useReducer, useRef } from "react";
import { useClient } from "urql";
import { MapDocument, type MapQuery, type MapQueryVariables } from "../../graphql/generated/explorer";
import { type Failure, failureOf } from "../../shared/failure";

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
  | { type: "answered"; data: MapQuery; variables: MapQueryVariables }
  | { type: "failed"; failure: Failure };

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
 * Runs the map's request, again when `variables` or `refresh` change; a request that is no longer needed is aborted.
 * When an area has too many cells, the request is repeated with the resolution that the gateway names.
 */
export function useMapData(
  variables: MapQueryVariables | null,
  refresh: number,
  hasKey: boolean,
): MapData {
  const client = useClient();
  const [state, dispatch] = useReducer(reduce, INITIAL);
  const latest = useRef(variables);
  latest.current = variables;
  const key = variables && JSON.stringify(variables);

  useEffect(() => {
    const wanted = latest.current;
    if (key === null || wanted === null) {
      return undefined;
    }
    dispatch({ type: "started" });
    let subscription: { unsubscribe(): void } | undefined;
    const run = (attempt: MapQueryVariables) => {
      subscription = client.query(MapDocument, attempt).subscribe(({ data, error }) => {
        if (data && !error) {
          dispatch({ type: "answered", data, variables: attempt });
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
    run(wanted);
    return () => {
      ended = true;
      subscription?.unsubscribe();
    };
  }, [client, key, refresh, hasKey]);

  return state;
}

/** The resolution that the gateway suggests for an area with too many cells. */
export function fittingResolution(failure: Failure): number | null {
  if (failure.kind !== "invalid" || failure.argument !== "resolution") {
    return null;
  }
  return typeof failure.suggestedValue === "number" ? failure.suggestedValue : null;
}
