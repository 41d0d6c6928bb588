import type { SummaryFieldsFragment } from "../../../graphql/generated/panels";
import type { Counted } from "../meaning/sentence";

export interface TotalGroup {
  count: number;
  coverage: number | null;
  quantity: SummaryFieldsFragment;
}

const NO_VALUES: SummaryFieldsFragment = {
  count: 0,
  invalidCount: 0,
  mean: null,
  standardDeviation: null,
  min: null,
  p10: null,
  median: null,
  p90: null,
  max: null,
};

const EMPTY: TotalGroup = { count: 0, coverage: 0, quantity: NO_VALUES };

/** The single group of statistics over a whole span; without measurements there is none. */
export function totalOf(groups: readonly TotalGroup[]): TotalGroup {
  return groups[0] ?? EMPTY;
}

export function countedOf(groups: readonly TotalGroup[]): Counted {
  const { coverage, quantity } = totalOf(groups);
  return { count: quantity.count, invalid: quantity.invalidCount, coverage };
}
