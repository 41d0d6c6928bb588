import { type ReactNode, useId } from "react";
import { describeFailure } from "../../../shared/failure";
import { Button } from "../../../shared/Button";
import { ShowQuery } from "../../../shared/ShowQuery";
import { FailureMessage, Skeleton } from "../../../shared/Status";
import { useSlow } from "../../../shared/useSlow";
import type { PanelQuery } from "./usePanelQuery";

interface PanelProps<Data> {
  title: string;
  query: PanelQuery<Data>;
  /** Buttons beside "Show query". */
  actions?: ReactNode;
  /** Height of the content in lines, while it is loading. */
  lines?: number;
  children: (data: Data) => ReactNode;
}

/** A titled part of the panels with the states of its request: loading, failed, and data that could not be renewed. */
export function Panel<Data>({ title, query, actions, lines = 4, children }: PanelProps<Data>) {
  const heading = useId();
  const { data, failure, loading, retry } = query;
  return (
    <section className="panel" aria-labelledby={heading} aria-busy={loading}>
      <header className="panel-header">
        <h4 id={heading}>{title}</h4>
        <div className="panel-actions">
          {actions}
          <ShowQuery document={query.document} variables={query.variables} label={`Show query: ${title}`} />
        </div>
      </header>
      {data !== undefined && failure && (
        <p className="panel-notice" role="alert">
          {describeFailure(failure).title}: this is the previous state.{" "}
          <Button look="quiet" onClick={retry}>
            Try again
          </Button>
        </p>
      )}
      {data !== undefined ? (
        <div className={loading ? "panel-body panel-stale" : "panel-body"}>{children(data)}</div>
      ) : failure ? (
        <FailureMessage failure={failure} onRetry={retry} />
      ) : (
        <PanelSkeleton title={title} lines={lines} />
      )}
    </section>
  );
}

function PanelSkeleton({ title, lines }: { title: string; lines: number }) {
  const slow = useSlow(true);
  return (
    <>
      <Skeleton lines={lines} label={`Loading: ${title}`} />
      {slow && <p className="panel-slow">Still loading…</p>}
    </>
  );
}

/** In place of content that a filter leaves empty. */
export function Empty({ children }: { children: ReactNode }) {
  return <div className="panel-empty">{children}</div>;
}

/** What is missing from a result. */
export function Partial({ children }: { children: ReactNode }) {
  return (
    <p className="panel-notice" role="status">
      {children}
    </p>
  );
}
