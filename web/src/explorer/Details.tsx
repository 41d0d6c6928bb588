import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { BrokenPart } from "../shared/BrokenPart";
import { Button } from "../shared/Button";
import { ErrorBoundary } from "../shared/ErrorBoundary";
import { plural } from "../shared/format";
import { Skeleton } from "../shared/Status";
import type { PanelsProps } from "./panels/Panels";

// With the charts, and therefore not part of the first load.
const Panels = lazy(async () => ({ default: (await import("./panels/Panels")).Panels }));

/** The panels of the selected subjects: beside the map, or a sheet below it on small screens. */
export function Details(props: PanelsProps & { onClose: () => void }) {
  const { onClose, ...panels } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  const [tall, setTall] = useState(false);
  const count = props.view.subjects.length;

  // Keyboard users continue in the panels.
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);

  return (
    <aside
      className="pane details"
      aria-labelledby="details-title"
      data-tall={tall}
      onKeyDown={(event) => {
        if (event.key === "Escape" && !event.defaultPrevented) {
          onClose();
        }
      }}
    >
      <header className="pane-header">
        <h2 id="details-title" tabIndex={-1} ref={heading}>
          {count > 1 ? `Comparison of ${plural(count, "item")}` : "Details"}
        </h2>
        <span className="pane-actions">
          <Button
            look="quiet"
            className="sheet-size"
            aria-expanded={tall}
            aria-label={tall ? "Make the sheet smaller" : "Make the sheet larger"}
            onClick={() => setTall(!tall)}
          >
            <span aria-hidden="true">{tall ? "▾" : "▴"}</span>
          </Button>
          <Button look="quiet" aria-label="Close the details" onClick={onClose}>
            <span aria-hidden="true">✕</span>
          </Button>
        </span>
      </header>
      <div className="pane-body">
        <ErrorBoundary fallback={(error) => <BrokenPart error={error} />}>
          <Suspense fallback={<Skeleton lines={8} label="Loading the details" />}>
            <Panels {...panels} />
          </Suspense>
        </ErrorBoundary>
      </div>
    </aside>
  );
}
