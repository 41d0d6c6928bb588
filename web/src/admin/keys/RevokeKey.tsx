import { useState } from "react";
import { type AdminApiKeyFragment, AdminRevokeApiKeyDocument } from "../../graphql/generated/admin";
import { announce } from "../../shared/announce";
import { Button } from "../../shared/Button";
import { Dialog } from "../../shared/Dialog";
import { plural } from "../../shared/format";
import { useMutation } from "../data/useMutation";
import { Failed } from "../ui/Failed";
import { ROLES } from "./state";

export function RevokeKey({ apiKey, onRevoke }: { apiKey: AdminApiKeyFragment; onRevoke: () => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button aria-label={`Revoke ${apiKey.name}`} onClick={() => setOpen(true)}>
        Revoke
      </Button>
      {isOpen && <Confirmation apiKey={apiKey} onClose={() => setOpen(false)} onRevoke={onRevoke} />}
    </>
  );
}

function Confirmation({
  apiKey,
  onClose,
  onRevoke,
}: {
  apiKey: AdminApiKeyFragment;
  onClose: () => void;
  onRevoke: () => void;
}) {
  const [includesDescendants, setIncludesDescendants] = useState(false);
  const [stillValid, setStillValid] = useState<number>();
  const { run, isRunning, failure } = useMutation(AdminRevokeApiKeyDocument);
  const { id, name, role, deviceKey } = apiKey;

  const revoke = () =>
    void run({ input: { id, includeDescendants: includesDescendants } }).then((data) => {
      if (!data) {
        return;
      }
      const { descendantsRevoked, descendantsValid } = data.revokeApiKey;
      announce(`Key ${name} revoked${descendantsRevoked > 0 ? `, and ${descendantsRevoked} created with it` : ""}`);
      if (descendantsValid > 0) {
        setStillValid(descendantsValid);
      } else {
        onClose();
        onRevoke();
      }
    });

  const close = () => {
    onClose();
    if (stillValid !== undefined) {
      onRevoke();
    }
  };

  return (
    <Dialog title={`Revoke ${name}?`} onClose={close}>
      {stillValid === undefined ? (
        <>
          <p>
            The {ROLES[role].label} key{deviceKey == null ? "" : ` of ${deviceKey}`} ends immediately and permanently,
            on all gateways. A sensor that uses it can no longer send.
          </p>
          <label className="check">
            <input
              type="checkbox"
              checked={includesDescendants}
              onChange={({ target }) => setIncludesDescendants(target.checked)}
            />
            Also revoke all keys created with it: for a key that has leaked
          </label>
        </>
      ) : (
        <p role="status">
          The key is revoked. {plural(stillValid, "key")} created with it {stillValid === 1 ? "is" : "are"} still valid.
        </p>
      )}
      <Failed failure={failure} />
      <div className="actions">
        {stillValid === undefined ? (
          <>
            <Button className="button-danger" disabled={isRunning} onClick={revoke}>
              {isRunning ? "Revoking…" : "Revoke the key"}
            </Button>
            <Button look="quiet" disabled={isRunning} onClick={close}>
              Cancel
            </Button>
          </>
        ) : (
          <Button look="primary" onClick={close}>
            Close
          </Button>
        )}
      </div>
    </Dialog>
  );
}
