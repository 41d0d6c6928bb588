import { useState } from "react";
import { AdminDeleteDeviceDocument, type AdminDeleteDeviceMutation } from "../../graphql/generated/admin";
import { announce } from "../../shared/announce";
import { Button } from "../../shared/Button";
import { Dialog } from "../../shared/Dialog";
import { plural } from "../../shared/format";
import { useMutation } from "../data/useMutation";
import { navigate } from "../shell/useRoute";
import { Failed } from "../ui/Failed";
import { TextField } from "../ui/TextField";

type Counted = AdminDeleteDeviceMutation["deleteDevice"];

/** Deletes a device after a dry run and a confirmation. */
export function DeleteDevice({ deviceKey }: { deviceKey: string }) {
  const [counted, setCounted] = useState<Counted>();
  const { run, isRunning, failure } = useMutation(AdminDeleteDeviceDocument);
  const count = () =>
    void run({ key: deviceKey, dryRun: true }).then((data) => data && setCounted(data.deleteDevice));

  return (
    <section className="section section-danger" aria-labelledby="delete-device">
      <h2 id="delete-device">Delete</h2>
      <p>
        Deletes the device with its measurements and stored uplinks, and revokes the keys bound to it. This cannot
        be undone.
      </p>
      <Failed failure={failure} />
      <Button disabled={isRunning} onClick={count}>
        {isRunning ? "Counting…" : "Count what would be deleted…"}
      </Button>
      {counted && (
        <Confirmation deviceKey={deviceKey} counted={counted} onClose={() => setCounted(undefined)} />
      )}
    </section>
  );
}

function Confirmation({
  deviceKey,
  counted,
  onClose,
}: {
  deviceKey: string;
  counted: Counted;
  onClose: () => void;
}) {
  const [typed, setTyped] = useState("");
  const { run, isRunning, failure } = useMutation(AdminDeleteDeviceDocument);
  const remove = () =>
    void run({ key: deviceKey, dryRun: false }).then((data) => {
      if (data) {
        announce(`Device ${deviceKey} deleted`);
        navigate({ page: "devices", text: "" });
      }
    });

  return (
    <Dialog title={`Delete ${deviceKey}?`} onClose={onClose}>
      <p>These would be deleted:</p>
      <ul className="plain-list">
        <li>
          <strong>{plural(counted.measurements, "measurement")}</strong>
        </li>
        <li>
          <strong>{plural(counted.uplinks, "uplink")}</strong> with samples of this device only
        </li>
      </ul>
      {counted.revokedApiKeys.length > 0 && (
        <p>
          {counted.revokedApiKeys.length === 1 ? "This key" : "These keys"} would be revoked:{" "}
          {counted.revokedApiKeys.map(({ name }) => name).join(", ")}.
        </p>
      )}
      <p className="hint">A sensor with another key that goes on sending registers the device anew.</p>
      <form
        className="admin-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() === deviceKey) {
            remove();
          }
        }}
      >
        <TextField
          label={`Type ${deviceKey} to confirm`}
          className="field mono"
          autoCapitalize="none"
          spellCheck={false}
          value={typed}
          onChange={setTyped}
        />
        <Failed failure={failure} />
        <div className="actions">
          <Button type="submit" className="button-danger" disabled={isRunning || typed.trim() !== deviceKey}>
            {isRunning ? "Deleting…" : "Delete the device"}
          </Button>
          <Button look="quiet" disabled={isRunning} onClick={onClose}>
            Cancel
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
