import { type FormEvent, useState } from "react";
import { Button } from "../../shared/Button";
import { Dialog } from "../../shared/Dialog";
import type { Span } from "./timeline";

/** Chooses a range between two local times. */
export function RangeDialog({
  span,
  onChange,
  onClose,
}: {
  span: Span;
  onChange: (span: Span) => void;
  onClose: () => void;
}) {
  const [from, setFrom] = useState(() => localInput(span.from));
  const [to, setTo] = useState(() => localInput(span.to));
  const [problem, setProblem] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const start = new Date(from);
    const end = new Date(to);
    if (Number.isNaN(start.getTime()) || Number.isNaN(end.getTime()) || start >= end) {
      setProblem("Enter two times, the earlier one first.");
      return;
    }
    onChange({ from: start.toISOString(), to: end.toISOString() });
    onClose();
  };
  return (
    <Dialog title="Time range" onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <label htmlFor="range-from">From</label>
        <input
          id="range-from"
          className="field"
          type="datetime-local"
          required
          value={from}
          onChange={(event) => setFrom(event.target.value)}
        />
        <label htmlFor="range-to">To</label>
        <input
          id="range-to"
          className="field"
          type="datetime-local"
          required
          value={to}
          onChange={(event) => setTo(event.target.value)}
        />
        <p className="form-problem" role="alert">
          {problem}
        </p>
        <Button type="submit" look="primary">
          Apply
        </Button>
      </form>
    </Dialog>
  );
}

/** A time as `<input type="datetime-local">` has it: local, without zone. */
function localInput(time: string): string {
  const date = new Date(time);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
