import type { ReactNode } from "react";
import { FailureMessage, Skeleton } from "../../shared/Status";
import type { RequestState } from "../data/useRequest";
import "./list.css";

/** The content of a request: its data, a skeleton before, or the failure. */
export function Loaded<Data>({
  request,
  lines,
  children,
}: {
  request: RequestState<Data> & { reload: () => void };
  /** Height of the skeleton. */
  lines?: number;
  children: (data: Data) => ReactNode;
}) {
  const { data, failure, isLoading, reload } = request;
  if (failure) {
    return <FailureMessage failure={failure} onRetry={reload} />;
  }
  if (data === undefined) {
    return <Skeleton lines={lines ?? 5} />;
  }
  return (
    <div className="loaded" aria-busy={isLoading}>
      {children(data)}
    </div>
  );
}
