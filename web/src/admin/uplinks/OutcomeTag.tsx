import type { UplinkOutcome } from "../../graphql/generated/admin";
import { formatCount } from "../../shared/format";

interface Outcome {
  outcome: UplinkOutcome;
  error?: string | null;
  recorded: number;
  duplicates: number;
  rejected: number;
}

/** What became of an uplink: counts of its samples, or the reason. */
export function OutcomeTag({ uplink }: { uplink: Outcome }) {
  const { outcome, error } = uplink;
  return (
    <>
      <span className={`tag tag-${outcome === "RECORDED" ? "valid" : "failed"}`}>{outcome.toLowerCase()}</span>{" "}
      <span className="outcome-detail">{error ?? countsOf(uplink)}</span>
    </>
  );
}

/** Such as `7 stored, 1 rejected`. */
export function countsOf({ recorded, duplicates, rejected }: Omit<Outcome, "outcome">): string {
  const counts = [
    [recorded, "stored"],
    [duplicates, "duplicate"],
    [rejected, "rejected"],
  ] as const;
  const shown = counts.filter(([count]) => count > 0).map(([count, noun]) => `${formatCount(count)} ${noun}`);
  return shown.length === 0 ? "no samples" : shown.join(", ");
}
