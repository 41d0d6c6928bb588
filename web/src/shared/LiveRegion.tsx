import { LIVE_REGION_ID } from "./announce";

/** Its text is set by `announce`. */
export function LiveRegion() {
  return <p id={LIVE_REGION_ID} className="visually-hidden" role="status" aria-live="polite" />;
}
