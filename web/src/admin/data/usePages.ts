import { useCallback, useState } from "react";

/** Pages of a list: the cursors of the pages before, oldest first. */
export interface Pages {
  /** Number of the page, from 0. */
  page: number;
  /** The list starts after this cursor. */
  after: string | null;
  next: (endCursor: string | null | undefined) => void;
  previous: () => void;
  /** Back to the first page, as after a change of the filter. */
  reset: () => void;
}

export function usePages(): Pages {
  const [cursors, setCursors] = useState<string[]>([]);
  return {
    page: cursors.length,
    after: cursors.at(-1) ?? null,
    next: useCallback((endCursor) => {
      if (endCursor) {
        setCursors((before) => [...before, endCursor]);
      }
    }, []),
    previous: useCallback(() => setCursors((before) => before.slice(0, -1)), []),
    reset: useCallback(() => setCursors([]), []),
  };
}
