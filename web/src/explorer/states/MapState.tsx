import { FailureMessage } from "../../shared/Status";
import type { Explorer } from "../useExplorer";
import type { ChangeView } from "../useView";
import type { View } from "../view";
import { EmptyDatabase } from "./EmptyDatabase";
import { KeyForm } from "./KeyForm";
import { NoResult } from "./NoResult";
import { useSlow } from "../../shared/useSlow";
import "./states.css";

/** What is above the map when there is no result, or not yet. */
export function MapState({
  view,
  change,
  explorer,
}: {
  view: View;
  change: ChangeView;
  explorer: Explorer;
}) {
  const { map, content, empty, newest, now, refresh } = explorer;
  const slow = useSlow(map.loading);
  if (map.failure) {
    return (
      <div className="card card-failure">
        <FailureMessage failure={map.failure} onRetry={refresh} />
        {map.failure.kind === "unauthorized" && <KeyForm />}
      </div>
    );
  }
  if (slow) {
    return (
      <p className="chip" role="status">
        Still loading…
      </p>
    );
  }
  if (empty) {
    return <EmptyDatabase />;
  }
  const hasValues =
    content.cells.some(({ value }) => value !== null) ||
    content.devices.some(({ value }) => value !== null) ||
    content.trips.length > 0;
  if (map.data === null || map.loading || hasValues) {
    return null;
  }
  return (
    <NoResult
      view={view}
      newest={newest}
      now={now}
      onNewest={(time) => change({ range: dayUntil(time), at: null })}
      onAllClasses={() => change({ classes: null })}
      onEverywhere={() => change({ camera: null, at: null })}
    />
  );
}

/** The 24 hours that end with a time, to the next full minute. */
function dayUntil(time: string): View["range"] {
  const minute = 60_000;
  const end = (Math.floor(Date.parse(time) / minute) + 1) * minute;
  return {
    kind: "between",
    from: new Date(end - 24 * 60 * minute).toISOString(),
    to: new Date(end).toISOString(),
  };
}
