import type { AdminReplayUplinksMutation } from "../../graphql/generated/admin";
import { formatCount, plural } from "../../shared/format";

export type ReplayResult = AdminReplayUplinksMutation["replayUplinks"];

/** The sum of several requests. */
export interface ReplayTotal {
  uplinks: number;
  samples: number;
  recorded: number;
  duplicates: number;
  rejected: number;
  undecodable: number;
  skipped: number;
}

export const NOTHING_REPLAYED: ReplayTotal = {
  uplinks: 0,
  samples: 0,
  recorded: 0,
  duplicates: 0,
  rejected: 0,
  undecodable: 0,
  skipped: 0,
};

export function addReplay(total: ReplayTotal, result: ReplayResult): ReplayTotal {
  return {
    uplinks: total.uplinks + result.uplinks,
    samples: total.samples + result.samples,
    recorded: total.recorded + (result.recorded ?? 0),
    duplicates: total.duplicates + (result.duplicates ?? 0),
    rejected: total.rejected + result.rejected,
    undecodable: total.undecodable + result.undecodable,
    skipped: total.skipped + result.skipped,
  };
}

/** The total in one sentence. */
export function describeReplay(total: ReplayTotal, isDryRun: boolean): string {
  const counts = [
    plural(total.samples, "valid sample"),
    ...(isDryRun
      ? []
      : [`${formatCount(total.recorded)} stored`, `${formatCount(total.duplicates)} stored before`]),
    ...(total.rejected > 0 ? [`${formatCount(total.rejected)} rejected`] : []),
    ...(total.undecodable > 0 ? [`${plural(total.undecodable, "uplink")} undecodable`] : []),
    ...(total.skipped > 0 ? [`${plural(total.skipped, "uplink")} left unchanged`] : []),
  ];
  return `${plural(total.uplinks, "uplink")} ${isDryRun ? "decoded, nothing stored" : "decoded again"}: ${counts.join(", ")}.`;
}
