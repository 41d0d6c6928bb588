/** Announces a change of the page to screen readers. The page has one `<LiveRegion />`. */
export function announce(text: string): void {
  const region = document.getElementById(LIVE_REGION_ID);
  if (region && region.textContent !== text) {
    region.textContent = text;
  }
}

export const LIVE_REGION_ID = "live-region";
