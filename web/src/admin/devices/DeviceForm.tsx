import { type FormEvent, type ReactNode, useRef } from "react";
import { Button } from "../../shared/Button";
import type { Failure } from "../../shared/failure";
import { Failed } from "../ui/Failed";
import { TextField } from "../ui/TextField";
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
            <TextField
              label="Key"
              error={errors.key}
              hint="Unique. The device sends it with its samples, such as bike-07. It cannot be changed later."
              className="field mono"
              autoCapitalize="none"
              spellCheck={false}
              required
              maxLength={128}
              value={draft.key}
              onChange={(key) => onChange({ key })}
            />
          )}
          <TextField
            label="Name"
            hint="Shown on the map. Optional."
            maxLength={500}
            value={draft.name}
            onChange={(name) => onChange({ name })}
          />
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
            <TextField
              label="Licence of the data"
              hint="Such as CC-BY-4.0. Optional."
              maxLength={500}
              value={draft.licence}
              onChange={(licence) => onChange({ licence })}
            />
            <TextField
              label="Attribution"
              hint="Credit that users of the data must give. Optional."
              maxLength={500}
              value={draft.attribution}
              onChange={(attribution) => onChange({ attribution })}
            />
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
