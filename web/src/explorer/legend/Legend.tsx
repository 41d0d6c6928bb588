import { useId, useState } from "react";
import type { DocumentNode } from "graphql";
import { Button } from "../../shared/Button";
import { ShowQuery } from "../../shared/ShowQuery";
import { Skeleton } from "../../shared/Status";
import type { Content } from "../data/content";
import { legendSentence } from "../data/summary";
import { layerLabel, layerUnit } from "../layer";
import { useMedia } from "../../shared/useMedia";
import type { ChangeView } from "../useView";
import type { View } from "../view";
import { ClassBar } from "./ClassBar";
import type { Colouring } from "./colouring";
import { StepsDialog } from "./StepsDialog";
import "./legend.css";

interface LegendProps {
  view: View;
  change: ChangeView;
  colouring: Colouring;
  /** Null before the first answer. */
  content: Content | null;
  /** Null before the map knows its area. */
  query: { document: DocumentNode; variables: object } | null;
  /** The span of the cells as text; null for the whole range. */
  period: string | null;
  /** Whether the first answer is awaited. */
  loading: boolean;
  /** What the map leaves out, as sentences. */
  omissions: readonly string[];
}

/** What the colours mean, and the controls of the classes. */
export function Legend({ view, change, colouring, content, query, period, loading, omissions }: LegendProps) {
  const [editing, setEditing] = useState(false);
  // On small screens the map needs the space.
  const isSmall = useMedia("(max-width: 759px), (max-height: 559px)");
  const [opened, setOpen] = useState<boolean | null>(null);
  const open = opened ?? !isSmall;
  const heading = useId();
  const { layer, classes, steps } = view;
  const unit = layerUnit(layer);
  const isChanged = classes !== null || steps !== null;
  return (
    <section className="legend" aria-labelledby={heading}>
      <header className="legend-header">
        <h2 id={heading}>
          {layerLabel(layer)} {unit && <span className="legend-unit">{unit}</span>}
        </h2>
        <Button
          look="quiet"
          className="legend-toggle"
          aria-expanded={open}
          aria-label="Explanation and settings of the legend"
          onClick={() => setOpen(!open)}
        >
          <span aria-hidden="true">{open ? "▾" : "▴"}</span>
        </Button>
      </header>
      <ClassBar
        colouring={colouring}
        shown={classes}
        onShow={(next) => change({ classes: next })}
        onSteps={(next) => change({ steps: next })}
      />
      {open && (
        <>
          {loading && <Skeleton lines={2} label="Loading the map" />}
          {content && <p className="legend-sentence">{legendSentence(view, content, period)}</p>}
          <p className="legend-notes">
            <span className="legend-note">
              <span className="swatch swatch-few" aria-hidden="true" /> too few values
            </span>
            {omissions.map((omission) => (
              <span key={omission} className="legend-note">
                {omission}
              </span>
            ))}
          </p>
          <div className="legend-actions">
            <label className="check">
              <input
                type="checkbox"
                checked={view.trips}
                onChange={(event) => change({ trips: event.target.checked })}
              />
              Trips
            </label>
            {colouring.steps && (
              <Button look="quiet" onClick={() => setEditing(true)}>
                Edit classes
              </Button>
            )}
            {isChanged && (
              <Button look="quiet" onClick={() => change({ classes: null, steps: null })}>
                Reset
              </Button>
            )}
            {query && <ShowQuery {...query} label="Show query of the map" />}
          </div>
        </>
      )}
      {editing && colouring.steps && (
        <StepsDialog
          steps={colouring.steps}
          unit={unit}
          onChange={(next) => change({ steps: next, classes: null })}
          onClose={() => setEditing(false)}
        />
      )}
    </section>
  );
}
