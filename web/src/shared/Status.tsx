import type { ReactNode } from "react";
import { Button } from "./Button";
import { describeFailure, type Failure } from "./failure";

/** Grey lines in place of content that is being loaded. */
export function Skeleton({ lines = 3, label = "Loading" }: { lines?: number; label?: string }) {
  return (
    <div className="skeleton" role="status" aria-label={label}>
      <p className="visually-hidden">{label}…</p>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} className="skeleton-line" />
      ))}
    </div>
  );
}

/** A state in place of content: a heading, a sentence and actions. */
export function Message({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="message" role="status">
      <h3>{title}</h3>
      {children}
    </div>
  );
}

/** Why there is no content, with a button to request it again. */
export function FailureMessage({ failure, onRetry }: { failure: Failure; onRetry?: () => void }) {
  const { title, detail } = describeFailure(failure);
  return (
    <div className="message message-failure" role="alert">
      <h3>{title}</h3>
      <p>{detail}</p>
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}
