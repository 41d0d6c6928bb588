import { useMemo, useState } from "react";
import { Button } from "../../shared/Button";
import { capitalise } from "../../shared/format";
import type { LiveState } from "../data/useLive";
import type { ChangeView } from "../useView";
import { spanOf, type View } from "../view";
import { PRESETS, rangeLabel, spanLabel } from "./labels";
import { LiveButton } from "./LiveButton";
import { RangeDialog } from "./RangeDialog";
import { stepEnds, stepIndex, stepSpan } from "./timeline";
import { usePlay } from "./usePlay";
import "./time.css";

interface TimeBarProps {
  view: View;
  change: ChangeView;
  /** End of a recent range, in milliseconds since 1970. */
  rangeNow: number;
  live: LiveState;
  /** Whether the map of the current step is still loading. */
  loading: boolean;
}

/** Range, slider, play and live. */
export function TimeBar({ view, change, rangeNow, live, loading }: TimeBarProps) {
  const [choosing, setChoosing] = useState(false);
  const { range, at } = view;
  const span = useMemo(() => spanOf(range, rangeNow), [range, rangeNow]);
  const ends = useMemo(() => stepEnds(span), [span]);
  const index = at === null ? -1 : stepIndex(ends, at);
  const setIndex = (next: number) => change({ at: ends[next] ?? null });
  const play = usePlay({ index, count: ends.length, loading, onStep: setIndex });
  const label = at === null ? capitalise(rangeLabel(range)) : spanLabel(stepSpan(span, at), rangeNow);

  return (
    <section className="time-bar" aria-label="Time">
      <div className="presets" role="group" aria-label="Time range">
        {PRESETS.map((preset) => (
          <Button
            key={preset.hours}
            aria-label={`${preset.label}, ${preset.name}`}
            aria-pressed={range.kind === "recent" && range.hours === preset.hours}
            onClick={() => change({ range: { kind: "recent", hours: preset.hours }, at: null })}
          >
            {preset.label}
          </Button>
        ))}
        <Button
          aria-pressed={range.kind === "between"}
          aria-haspopup="dialog"
          aria-label="Dates of the time range"
          onClick={() => setChoosing(true)}
        >
          Dates
        </Button>
      </div>
      <div className="slider">
        <Button
          className="play"
          aria-label={play.playing ? "Pause" : "Play through the range"}
          onClick={play.toggle}
        >
          <span aria-hidden="true">{play.playing ? "❚❚" : "▶"}</span>
        </Button>
        <input
          type="range"
          aria-label="Time step"
          aria-valuetext={label}
          min={0}
          max={ends.length - 1}
          value={index === -1 ? ends.length - 1 : index}
          data-whole={at === null}
          onChange={(event) => {
            play.pause();
            setIndex(Number(event.target.value));
          }}
        />
        <output className="slider-label" aria-live="off">{label}</output>
        {at !== null && (
          <Button
            look="quiet"
            onClick={() => {
              play.pause();
              change({ at: null });
            }}
          >
            Whole range
          </Button>
        )}
      </div>
      <LiveButton
        state={live}
        on={view.live && range.kind === "recent" && at === null}
        onToggle={(on) => change(on ? { live: true, at: null, ...recent(view) } : { live: false })}
      />
      {choosing && (
        <RangeDialog
          span={span}
          onChange={(next) => change({ range: { kind: "between", ...next }, at: null })}
          onClose={() => setChoosing(false)}
        />
      )}
    </section>
  );
}

/** Live needs a range that ends now. */
function recent({ range }: View): Partial<View> {
  return range.kind === "recent" ? {} : { range: { kind: "recent", hours: 24 } };
}
