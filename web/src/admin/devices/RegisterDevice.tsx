import { useState } from "react";
import { AdminRegisterDeviceDocument } from "../../graphql/generated/admin";
import { announce } from "../../shared/announce";
import { useMutation } from "../data/useMutation";
import { hrefOf } from "../route";
import { PageHeading } from "../shell/PageHeading";
import { navigate } from "../shell/useRoute";
import { DeviceForm } from "./DeviceForm";
import { type DeviceDraft, type DraftErrors, EMPTY_DRAFT, errorsOf, registerInput } from "./draft";

export function RegisterDevice() {
  const [draft, setDraft] = useState<DeviceDraft>(EMPTY_DRAFT);
  const [errors, setErrors] = useState<DraftErrors>({});
  const [existing, setExisting] = useState<string>();
  const { run, isRunning, failure } = useMutation(AdminRegisterDeviceDocument);

  const register = () => {
    const found = errorsOf(draft);
    setErrors(found);
    setExisting(undefined);
    if (Object.keys(found).length > 0) {
      return false;
    }
    const input = registerInput(draft);
    void run({ input }).then((data) => {
      if (data?.registerDevice.status === "REGISTERED") {
        announce(`Device ${input.key} registered`);
        navigate({ page: "device", key: input.key });
      } else if (data) {
        setExisting(input.key);
      }
    });
    return true;
  };

  return (
    <>
      <PageHeading title="Register a device" />
      <DeviceForm
        draft={draft}
        onChange={(change) => setDraft((before) => ({ ...before, ...change }))}
        errors={errors}
        isNew
        submitLabel="Register"
        isRunning={isRunning}
        failure={failure}
        onSubmit={register}
      >
        <a className="button button-quiet" href={hrefOf({ page: "devices", text: "" })}>
          Cancel
        </a>
      </DeviceForm>
      {existing !== undefined && (
        <p className="form-failure" role="alert">
          There is already a device <a href={hrefOf({ page: "device", key: existing })}>{existing}</a>; it is
          unchanged.
        </p>
      )}
    </>
  );
}
