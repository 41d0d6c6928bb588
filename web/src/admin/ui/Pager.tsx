import { Button } from "../../shared/Button";
import type { Pages } from "../data/usePages";

/** Buttons to the pages before and after; nothing for a list of one page. */
export function Pager({
  pages,
  pageInfo,
  summary,
}: {
  pages: Pages;
  pageInfo: { hasNextPage: boolean; endCursor?: string | null };
  /** What is shown, such as `26–50 of 132`. */
  summary?: string;
}) {
  if (pages.page === 0 && !pageInfo.hasNextPage) {
    return summary === undefined ? null : <p className="pager">{summary}</p>;
  }
  return (
    <nav className="pager" aria-label="Pages of the list">
      <Button disabled={pages.page === 0} onClick={pages.previous}>
        Previous
      </Button>
      <span role="status">{summary ?? `Page ${pages.page + 1}`}</span>
      <Button disabled={!pageInfo.hasNextPage} onClick={() => pages.next(pageInfo.endCursor)}>
        Next
      </Button>
    </nav>
  );
}
