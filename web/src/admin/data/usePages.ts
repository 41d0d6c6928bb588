import { useState } from "react";

/** Number of items of a page. */
export const PAGE_SIZE = 25;

export interface Pages {
  /** Number of the page, from 0. */
  page: number;
  /** The page starts after this cursor. */
  after: string | null;
  next: (endCursor: string | null | undefined) => void;
  previous: () => void;
}

/** The pages of a list. `list` is its filter and order: when they change, the first page is shown. */
export function usePages(list: object): Pages {
  // Cursors of the pages before, oldest first.
  const [cursors, setCursors] = useState<string[]>([]);
  const text = JSON.stringify(list);
  const [shown, setShown] = useState(text);
  // While rendering, since after an effect the changed list would first be requested from the old cursor.
  if (shown !== text) {
    setShown(text);
    setCursors([]);
  }
  return {
    page: cursors.length,
    after: cursors.at(-1) ?? null,
    next: (endCursor) => {
      if (endCursor) {
        setCursors([...cursors, endCursor]);
      }
    },
    previous: () => setCursors(cursors.slice(0, -1)),
  };
}
