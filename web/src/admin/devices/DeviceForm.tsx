import { type FormEvent, type ReactNode, useRef } from "react";
import { Button } from "../../shared/Button";
import type { Failure } from "../../shared/failure";
import { Failed } from "../ui/Failed";
import { FormField } from "../ui/FormField";
import type { DeviceDraft, DraftErrors } from "./draft";
import { PositionField } from "./PositionField";
import { SensorsField } from "./SensorsField";
import "./deviceForm.css";

/** The fields of a device, new or existing. */
export function DeviceForm({
  draft,
  onChange,
  errors,
  isNew,
  submitLabel,
  isRunning,
  failure,
  onSubmit,
  children,
}: {
  draft: DeviceDraft;
  onChange: (change: Partial<DeviceDraft>) => void;
  errors: DraftErrors;
  isNew: boolean;
  submitLabel: string;
  isRunning: boolean;
  failure: Failure | undefined;
  /** Returns whether the form was accepted; else the first invalid field takes the focus. */
  onSubmit: () => boolean;
  /** Beside the button. */
  children?: ReactNode;
}) {
  const form = useRef<HTMLFormElement>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!onSubmit()) {
      // After the errors are rendered.
      setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
    }
  };
  return (
    <form ref={form} className="admin-form device-form" onSubmit={submit} noValidate>
      <div className="device-form-columns">
        <div className="admin-form">
          {isNew && (
            <FormField
              label="Key"
              error={errors.key}
              hint="Unique. The device sends it with its samples, such as bike-07. It cannot be changed later."
            >
              {(attributes) => (
                <input
                  {...attributes}
                  className="field mono"
                  autoComplete="off"
                  autoCapitalize="none"
                  spellCheck={false}
                  required
                  maxLength={128}
                  value={draft.key}
                  onChange={({ target }) => onChange({ key: target.value })}
                />
              )}
            </FormField>
          )}
          <FormField label="Name" hint="Shown on the map. Optional.">
            {(attributes) => (
              <input
                {...attributes}
                autoComplete="off"
                maxLength={500}
                value={draft.name}
                onChange={({ target }) => onChange({ name: target.value })}
              />
            )}
          </FormField>
          <fieldset className="choice">
            <legend>Kind</legend>
            <label>
              <input
                type="radio"
                name="kind"
                checked={draft.kind === "FIXED"}
                onChange={() => onChange({ kind: "FIXED" })}
              />
              Fixed: stays in one place
            </label>
            <label>
              <input
                type="radio"
                name="kind"
                checked={draft.kind === "MOBILE"}
                onChange={() => onChange({ kind: "MOBILE" })}
              />
              Mobile: each sample has its own position
            </label>
          </fieldset>
          <div className="form-columns">
            <FormField label="Licence of the data" hint="Such as CC-BY-4.0. Optional.">
              {(attributes) => (
                <input
                  {...attributes}
                  autoComplete="off"
                  maxLength={500}
                  value={draft.licence}
                  onChange={({ target }) => onChange({ licence: target.value })}
                />
              )}
            </FormField>
            <FormField label="Attribution" hint="Credit that users of the data must give. Optional.">
              {(attributes) => (
                <input
                  {...attributes}
                  autoComplete="off"
                  maxLength={500}
                  value={draft.attribution}
                  onChange={({ target }) => onChange({ attribution: target.value })}
                />
              )}
            </FormField>
          </div>
          <SensorsField
            sensors={draft.sensors}
            error={errors.sensors}
            onChange={(sensors) => onChange({ sensors })}
          />
        </div>
        {draft.kind === "FIXED" && <PositionField draft={draft} errors={errors} onChange={onChange} />}
      </div>
      <Failed failure={failure} />
      <div className="actions">
        <Button look="primary" type="submit" disabled={isRunning}>
          {isRunning ? "Sending…" : submitLabel}
        </Button>
        {children}
      </div>
    </form>
  );
}
