import { type ReactNode, useId } from "react";
import "./form.css";

/** Attributes that connect an input with its label, hint and error. */
export interface FieldAttributes {
  id: string;
  className: string;
  "aria-describedby": string;
  "aria-invalid": boolean;
}

/** A labelled input with a hint and an error. */
export function FormField({
  label,
  hint,
  error,
  children,
}: {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  children: (attributes: FieldAttributes) => ReactNode;
}) {
  const id = useId();
  const describedBy = `${id}-error ${id}-hint`;
  return (
    <div className="form-field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        className: "field",
        "aria-describedby": describedBy,
        "aria-invalid": error !== undefined,
      })}
      {error !== undefined && (
        <p id={`${id}-error`} className="form-error">
          {error}
        </p>
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
    </div>
  );
}
