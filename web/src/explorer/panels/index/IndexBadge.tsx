import type { IndexFieldsFragment } from "../../../graphql/generated/panels";
import { textColourOn } from "../../legend/viridis";
import "./index.css";

/** The number of an index on the official colour of its band. The name of the band stands beside it. */
export function IndexBadge({ index: { value, colour, aboveScale } }: { index: IndexFieldsFragment }) {
  if (value === null || colour === null) {
    return (
      <span className="index-badge index-badge-none" aria-hidden="true">
        –
      </span>
    );
  }
  return (
    <span className="index-badge" style={{ background: colour, color: textColourOn(colour) }}>
      {value}
      {aboveScale && "+"}
    </span>
  );
}
