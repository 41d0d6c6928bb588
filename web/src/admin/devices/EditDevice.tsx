import { useState } from "react";
import { type AdminDeviceFragment, AdminUpdateDeviceDocument } from "../../graphql/generated/admin";
import { Button } from "../../shared/Button";
import { useMutation } from "../data/useMutation";
import { DeviceForm } from "./DeviceForm";
import { type DraftErrors, draftOf, errorsOf, updateInput } from "./draft";

/** The form of an existing device. It sends only what was changed. */
export function EditDevice({
  device,
  onUpdate,
}: {
  device: AdminDeviceFragment;
  onUpdate: (device: AdminDeviceFragment) => void;
}) {
  const stored = draftOf(device);
  const [draft, setDraft] = useState(stored);
  const [errors, setErrors] = useState<DraftErrors>({});
  const [note, setNote] = useState("");
  const { run, isRunning, failure } = useMutation(AdminUpdateDeviceDocument);

  const save = () => {
    const found = errorsOf(draft);
    setErrors(found);
    setNote("");
    if (Object.keys(found).length > 0) {
      return false;
    }
    const input = updateInput(stored, draft);
    if (!input) {
      setNote("There are no changes.");
      return true;
    }
    void run({ input }).then((data) => {
      const updated = data?.updateDevice.device;
      if (updated) {
        setDraft(draftOf(updated));
        onUpdate(updated);
        setNote("Saved.");
      } else if (data) {
        setNote("The device has been deleted.");
      }
    });
    return true;
  };

  return (
    <section className="section" aria-labelledby="edit-device">
      <h2 id="edit-device">Properties</h2>
      <DeviceForm
        draft={draft}
        onChange={(change) => {
          setDraft((before) => ({ ...before, ...change }));
          setNote("");
        }}
        errors={errors}
        isNew={false}
        submitLabel="Save"
        isRunning={isRunning}
        failure={failure}
        onSubmit={save}
      >
        {updateInput(stored, draft) && (
          <Button look="quiet" onClick={() => setDraft(stored)}>
            Discard changes
          </Button>
        )}
        <span role="status">{note}</span>
      </DeviceForm>
    </section>
  );
}
