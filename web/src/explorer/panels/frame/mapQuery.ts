import type { PanelQuery } from "./usePanelQuery";

/** The part of a request's data that a panel shows. */
export function mapQuery<From, To>(
  query: PanelQuery<From>,
  select: (data: From) => To,
): PanelQuery<To> {
  return { ...query, data: query.data === undefined ? undefined : select(query.data) };
}
