import { Button } from "../../shared/Button";
import type { LiveState } from "../data/useLive";

const LABELS: Record<LiveState, string> = {
  off: "Live",
  connecting: "Live: connecting",
  live: "Live",
  reconnecting: "Live: reconnecting",
  failed: "Live: stopped",
};

/** Whether new measurements are shown as they arrive. */
export function LiveButton({
  state,
  on,
  onToggle,
}: {
  state: LiveState;
  on: boolean;
  onToggle: (on: boolean) => void;
}) {
  return (
    <Button
      className="live"
      data-state={on ? state : "off"}
      aria-pressed={on}
      onClick={() => onToggle(!on)}
    >
      <span className="live-dot" aria-hidden="true" /> {on ? LABELS[state] : LABELS.off}
    </Button>
  );
}
