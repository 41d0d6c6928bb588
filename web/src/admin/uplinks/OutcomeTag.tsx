import type { AdminUplinkFragment } from "../../graphql/generated/admin";
import { formatCount } from "../../shared/format";

/** What became of an uplink: counts of its samples, or the reason. */
export function OutcomeTag({ uplink }: { uplink: AdminUplinkFragment }) {
  const { outcome, error } = uplink;
  return (
    <>
      <span className={`tag tag-${outcome === "RECORDED" ? "valid" : "failed"}`}>{outcome.toLowerCase()}</span>{" "}
      <span className="outcome-detail">{error ?? countsOf(uplink)}</span>
    </>
  );
}

/** Such as `7 stored, 1 rejected`. */
export function countsOf({
  recorded,
  duplicates,
  rejected,
}: Pick<AdminUplinkFragment, "recorded" | "duplicates" | "rejected">): string {
  const counts = [
    [recorded, "stored"],
    [duplicates, duplicates === 1 ? "duplicate" : "duplicates"],
    [rejected, "rejected"],
  ] as const;
  const shown = counts.filter(([count]) => count > 0).map(([count, noun]) => `${formatCount(count)} ${noun}`);
  return shown.length === 0 ? "no samples" : shown.join(", ");
}
