import { useEffect, useState } from "react";
import type { AdminApiKeyFragment } from "../../graphql/generated/admin";
import { Button } from "../../shared/Button";
import { FormField } from "../ui/FormField";
import { hrefOf } from "../route";
import { PageHeading } from "../shell/PageHeading";
import { CopyButton } from "../ui/CopyButton";
import { deviceSettings } from "./deviceSettings";
import { QrCode } from "./QrCode";
import { SettingView } from "./SettingView";
import { ROLES } from "./state";
import "./keys.css";

/** A new key, shown once: as text, as a QR code and as the settings of devices. */
export function NewKey({
  secret,
  apiKey,
  onAnother,
}: {
  secret: string;
  apiKey: AdminApiKeyFragment;
  onAnother: () => void;
}) {
  // A reload or a closed tab loses the key, so the browser shows a confirmation first.
  useEffect(() => {
    const confirm = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", confirm);
    return () => window.removeEventListener("beforeunload", confirm);
  }, []);
  const { name, role, deviceKey } = apiKey;

  return (
    <>
      <PageHeading title={`Key ${name}`} />
      <p className="notice">
        <strong>The key is shown only now.</strong> Copy it, or put it into the device. It cannot be read later; a lost
        key is revoked and replaced.
      </p>
      <section className="new-key" aria-label="The key">
        <QrCode text={secret} />
        <div className="new-key-text">
          <p>
            Role {ROLES[role].label}
            {deviceKey != null && (
              <>
                , for <a href={hrefOf({ page: "device", key: deviceKey })}>{deviceKey}</a>
              </>
            )}
          </p>
          <p className="secret">
            <code data-testid="secret">{secret}</code>
            <CopyButton text={secret} label="the key" />
          </p>
          <p className="hint">The QR code has the key as text: a phone reads it and pastes it into the device's setup page.</p>
        </div>
      </section>
      {role === "SENSOR" && <Settings secret={secret} device={deviceKey ?? undefined} />}
      <div className="actions">
        <Button onClick={onAnother}>Create another key</Button>
        <a className="button button-quiet" href={hrefOf({ page: "keys", text: "" })}>
          All keys
        </a>
      </div>
    </>
  );
}

function Settings({ secret, device }: { secret: string; device: string | undefined }) {
  const settings = deviceSettings({
    gateway: new URL(".", location.href).href,
    key: secret,
    ...(device === undefined ? {} : { device }),
  });
  const [chosen, setChosen] = useState("json");
  const setting = settings.find(({ id }) => id === chosen) ?? settings[0];
  return (
    <section className="section" aria-labelledby="device-settings">
      <h2 id="device-settings">Settings of the device</h2>
      <FormField label="Firmware or network server">
        {(attributes) => (
          <select {...attributes} value={chosen} onChange={({ target }) => setChosen(target.value)}>
            {settings.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        )}
      </FormField>
      {setting && <SettingView setting={setting} />}
    </section>
  );
}
