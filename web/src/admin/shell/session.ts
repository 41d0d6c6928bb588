import { createContext, useContext } from "react";
import type { Failure } from "../../shared/failure";

/** Receives the failure of each request; undefined after a success. */
export const ReportFailure = createContext<(failure: Failure | undefined) => void>(() => {});

export function useReportFailure(): (failure: Failure | undefined) => void {
  return useContext(ReportFailure);
}
