import type { InputHTMLAttributes, ReactNode } from "react";
import { FormField } from "./FormField";

interface TextFieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "onChange"> {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  value: string;
  onChange: (value: string) => void;
}

/** A labelled text input with a hint and an error. Further attributes are those of the input. */
export function TextField({ label, hint, error, onChange, ...input }: TextFieldProps) {
  return (
    <FormField label={label} hint={hint} error={error}>
      {(attributes) => (
        <input
          {...attributes}
          autoComplete="off"
          {...input}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </FormField>
  );
}
