import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { formatNumber } from "../../shared/format";
import type { Colouring } from "./colouring";
import { moveStep, stepLimits } from "./steps";

interface ClassBarProps {
  colouring: Colouring;
  /** Indices of the shown classes; null: all. */
  shown: readonly number[] | null;
  onShow: (shown: number[] | null) => void;
  onSteps: (steps: number[]) => void;
}

/** The classes as a bar: a click shows only one or adds it, and the bounds between classes can be dragged. */
export function ClassBar({ colouring, shown, onShow, onSteps }: ClassBarProps) {
  const bar = useRef<HTMLDivElement>(null);
  const { classes } = colouring;
  const [dragged, setDragged] = useState<number[] | null>(null);
  const steps = dragged ?? colouring.steps;

  const toggle = (index: number) => {
    const next = shown === null ? [index] : shown.includes(index) ? shown.filter((other) => other !== index) : [...shown, index];
    onShow(next.length === 0 || next.length === classes.length ? null : next.sort((one, other) => one - other));
  };

  return (
    <div className="class-bar" ref={bar}>
      <ul className="class-list" aria-label="Classes: select those that are shown">
        {classes.map(({ colour, textColour, label }, index) => (
          <li key={label}>
            <button
              type="button"
              className="class"
              style={{ background: colour, color: textColour }}
              aria-pressed={shown?.includes(index) ?? false}
              data-dimmed={shown !== null && !shown.includes(index)}
              onClick={() => toggle(index)}
              title={label}
              aria-label={`Only ${label}`}
            >
              {shown?.includes(index) && <span aria-hidden="true">✓</span>}
            </button>
          </li>
        ))}
      </ul>
      {steps ? (
        <div className="steps">
          {steps.map((value, index) => (
            <StepHandle
              key={index}
              steps={steps}
              index={index}
              value={value}
              bar={bar}
              onDrag={setDragged}
              onChange={(next) => {
                setDragged(null);
                onSteps(next);
              }}
            />
          ))}
        </div>
      ) : (
        <BandNames colouring={colouring} />
      )}
    </div>
  );
}

function BandNames({ colouring: { classes } }: { colouring: Colouring }) {
  return (
    <ul className="band-names">
      {classes.map(({ label, colour }) => (
        <li key={label}>
          <span className="swatch" style={{ background: colour }} aria-hidden="true" /> {label}
        </li>
      ))}
    </ul>
  );
}

interface StepHandleProps {
  steps: readonly number[];
  index: number;
  value: number;
  bar: React.RefObject<HTMLDivElement | null>;
  onDrag: (steps: number[]) => void;
  onChange: (steps: number[]) => void;
}

function StepHandle({ steps, index, value, bar, onDrag, onChange }: StepHandleProps) {
  const start = useRef<{ x: number; value: number; steps: readonly number[] } | null>(null);
  const { low, high, increment } = stepLimits(steps, index);

  /** The classes have equal widths: a class width is the distance to the neighbouring bound. */
  const valueAt = (event: PointerEvent) => {
    const from = start.current;
    const width = (bar.current?.clientWidth ?? 1) / (steps.length + 1);
    if (!from) {
      return value;
    }
    const limits = stepLimits(from.steps, index);
    const moved = (event.clientX - from.x) / width;
    return from.value + moved * (moved < 0 ? from.value - limits.low : limits.high - from.value);
  };
  const drag = (event: PointerEvent) =>
    start.current && onDrag(moveStep(start.current.steps, index, valueAt(event)));

  const keys: Record<string, number> = {
    ArrowLeft: -increment,
    ArrowDown: -increment,
    ArrowRight: increment,
    ArrowUp: increment,
    PageDown: -10 * increment,
    PageUp: 10 * increment,
  };
  const press = (event: KeyboardEvent) => {
    const by = keys[event.key];
    if (by !== undefined) {
      event.preventDefault();
      onChange(moveStep(steps, index, value + by));
    }
  };

  return (
    <div
      className="step"
      style={{ left: `${((index + 1) / (steps.length + 1)) * 100}%` }}
      role="slider"
      tabIndex={0}
      aria-label={`Bound ${index + 1} of ${steps.length}`}
      aria-valuenow={value}
      aria-valuemin={low}
      aria-valuemax={high}
      onKeyDown={press}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, value, steps };
      }}
      onPointerMove={drag}
      onPointerUp={(event) => {
        if (start.current) {
          const next = moveStep(start.current.steps, index, valueAt(event));
          start.current = null;
          onChange(next);
        }
      }}
      onPointerCancel={() => {
        const from = start.current;
        start.current = null;
        if (from) {
          onDrag([...from.steps]);
        }
      }}
    >
      {formatNumber(value, Number.isInteger(value) ? 0 : 1)}
    </div>
  );
}
