import { Button } from "../../shared/Button";
import { formatTime } from "../../shared/format";
import { QUANTITIES } from "../../shared/quantity";
import { rangeLabel } from "../time/labels";
import type { View } from "../view";

/** The request has an answer without values: what can be changed. */
export function NoResult({
  view,
  newest,
  now,
  onNewest,
  onAllClasses,
  onEverywhere,
}: {
  view: View;
  /** Time of the newest measurement of all (RFC 3339). */
  newest: string | null;
  now: number;
  onNewest: (time: string) => void;
  onAllClasses: () => void;
  onEverywhere: () => void;
}) {
  const what = view.layer.kind === "quantity" ? QUANTITIES[view.layer.quantity].label : "air quality index";
  return (
    <section className="card card-small" role="status">
      <h2>No values here</h2>
      <p>
        This area has no {what}
        {view.at === null ? ` in ${rangeLabel(view.range)}` : " in this step"}
        {view.classes ? " of the selected classes" : ""}.
      </p>
      <div className="form-actions">
        {view.classes && <Button onClick={onAllClasses}>All classes</Button>}
        {newest !== null && (
          <Button onClick={() => onNewest(newest)}>Newest data: {formatTime(newest, now)}</Button>
        )}
        <Button onClick={onEverywhere}>All devices</Button>
      </div>
    </section>
  );
}
