import { type FormEvent, useState } from "react";
import { Button } from "../../shared/Button";
import { Dialog } from "../../shared/Dialog";
import { areSteps, MAX_STEPS } from "./steps";

/** The bounds between classes as numbers: the same as dragging them. */
export function StepsDialog({
  steps,
  unit,
  onChange,
  onClose,
}: {
  steps: readonly number[];
  unit: string;
  onChange: (steps: number[]) => void;
  onClose: () => void;
}) {
  const [text, setText] = useState(steps.join(", "));
  const [problem, setProblem] = useState<string | null>(null);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const numbers = text.split(/[,;\s]+/).filter(Boolean).map(Number);
    if (!areSteps(numbers)) {
      setProblem(`Enter 1 to ${MAX_STEPS} ascending numbers.`);
      return;
    }
    onChange(numbers);
    onClose();
  };

  return (
    <Dialog title="Classes" onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <label htmlFor="steps">Bounds between the classes{unit && `, in ${unit}`}</label>
        <input
          id="steps"
          className="field"
          value={text}
          inputMode="decimal"
          autoComplete="off"
          aria-invalid={problem !== null}
          aria-describedby="steps-problem"
          onChange={(event) => setText(event.target.value)}
        />
        <p id="steps-problem" className="form-problem" role="alert">
          {problem}
        </p>
        <Button type="submit" look="primary">
          Apply
        </Button>
      </form>
    </Dialog>
  );
}
