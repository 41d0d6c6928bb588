import { Button } from "../../../shared/Button";
import { sameSubject, type Subject } from "../../view";
import { SUBJECT_DASHES, subjectColor, subjectLetter } from "../charts/subjectStyle";
import { usePanelSettings } from "../context";

/** The letter, colour and dashes of a line. */
export function SubjectMark({ index }: { index: number }) {
  return (
    <span className="subject-mark" style={{ color: subjectColor(index) }}>
      <svg width="26" height="8" aria-hidden="true">
        <line
          x1="0"
          x2="26"
          y1="4"
          y2="4"
          stroke="currentColor"
          strokeWidth="2.5"
          strokeDasharray={SUBJECT_DASHES[index]?.join(" ")}
        />
      </svg>
      <span className="subject-letter">{subjectLetter(index)}</span>
    </span>
  );
}

export function RemoveButton({ name, subject }: { name: string; subject: Subject }) {
  const { view, onChange } = usePanelSettings();
  return (
    <Button
      look="quiet"
      className="remove-button"
      aria-label={`Remove ${name} from the comparison`}
      onClick={() =>
        onChange({ subjects: view.subjects.filter((other) => !sameSubject(other, subject)) })
      }
    >
      <span aria-hidden="true">✕</span>
    </Button>
  );
}
