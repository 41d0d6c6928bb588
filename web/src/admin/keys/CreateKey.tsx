import { type FormEvent, useId, useState } from "react";
import { AdminCreateApiKeyDocument, type AdminCreateApiKeyMutation, type Role } from "../../graphql/generated/admin";
import { Button } from "../../shared/Button";
import { useMutation } from "../data/useMutation";
import { hrefOf } from "../route";
import { PageHeading } from "../shell/PageHeading";
import { DeviceInput } from "../ui/DeviceInput";
import { Failed } from "../ui/Failed";
import { FormField } from "../ui/FormField";
import { TextField } from "../ui/TextField";
import { NewKey } from "./NewKey";
import { ROLES } from "./state";

export function CreateKey({ device: initialDevice = "" }: { device?: string | undefined }) {
  const [created, setCreated] = useState<AdminCreateApiKeyMutation["createApiKey"]>();
  return created ? (
    <NewKey secret={created.key} apiKey={created.apiKey} onAnother={() => setCreated(undefined)} />
  ) : (
    <CreateForm initialDevice={initialDevice} onCreate={setCreated} />
  );
}

function CreateForm({
  initialDevice,
  onCreate,
}: {
  initialDevice: string;
  onCreate: (created: AdminCreateApiKeyMutation["createApiKey"]) => void;
}) {
  const [name, setName] = useState(initialDevice);
  const [role, setRole] = useState<Role>("SENSOR");
  const [device, setDevice] = useState(initialDevice);
  const [expires, setExpires] = useState("");
  const [nameError, setNameError] = useState<string>();
  const { run, isRunning, failure } = useMutation(AdminCreateApiKeyDocument);
  const group = useId();

  const create = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() === "") {
      setNameError("Enter a name, to find the key again in the list.");
      return;
    }
    setNameError(undefined);
    const input = {
      name: name.trim(),
      role,
      ...(role === "SENSOR" && device.trim() !== "" ? { deviceKey: device.trim() } : {}),
      ...(expires === "" ? {} : { expiresAt: new Date(expires).toISOString() }),
    };
    void run({ input }).then((data) => data && onCreate(data.createApiKey));
  };

  return (
    <>
      <PageHeading title="Create a key" />
      <form className="admin-form" onSubmit={create} noValidate>
        <TextField
          label="Name"
          error={nameError}
          hint="To find the key again, such as Bike 7."
          required
          maxLength={500}
          value={name}
          onChange={setName}
        />
        <fieldset className="choice">
          <legend>Role</legend>
          {(Object.keys(ROLES) as Role[]).map((value) => (
            <label key={value}>
              <input type="radio" name={group} checked={role === value} onChange={() => setRole(value)} />
              <span>
                {ROLES[value].label}
                <span className="hint"> {ROLES[value].detail}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {role === "SENSOR" && (
          <FormField
            label="Device"
            hint="The only device that the key records for, so that a lost sensor harms no other. Empty: any device."
          >
            {(attributes) => <DeviceInput attributes={attributes} value={device} onChange={setDevice} />}
          </FormField>
        )}
        <FormField label="Expires" hint="In the time zone of this browser. Empty: never.">
          {(attributes) => (
            <input
              {...attributes}
              type="datetime-local"
              value={expires}
              onChange={({ target }) => setExpires(target.value)}
            />
          )}
        </FormField>
        <Failed failure={failure} />
        <div className="actions">
          <Button look="primary" type="submit" disabled={isRunning}>
            {isRunning ? "Creating…" : "Create the key"}
          </Button>
          <a className="button button-quiet" href={hrefOf({ page: "keys", text: "" })}>
            Cancel
          </a>
        </div>
      </form>
    </>
  );
}
