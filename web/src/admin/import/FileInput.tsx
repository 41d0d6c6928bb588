import { useId } from "react";
import { formatBytes } from "../ui/bytes";

/** Chooses a file; dropping one on the form does the same. */
export function FileInput({
  file,
  error,
  isDisabled,
  onChoose,
}: {
  file: File | undefined;
  error: string | undefined;
  isDisabled: boolean;
  onChoose: (file: File | undefined) => void;
}) {
  const id = useId();
  return (
    <div className="form-field file-input">
      <label htmlFor={id}>File</label>
      <input
        id={id}
        type="file"
        accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values,text/plain"
        disabled={isDisabled}
        aria-invalid={error !== undefined}
        aria-describedby={`${id}-note`}
        onChange={({ target }) => onChoose(target.files?.[0])}
      />
      <p id={`${id}-note`} className={error === undefined ? "hint" : "form-error"}>
        {error ?? (file ? formatBytes(file.size) : "Choose a file, or drop it here. Any length.")}
      </p>
    </div>
  );
}
