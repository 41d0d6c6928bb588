import { type ReactNode, useCallback, useEffect, useState } from "react";
import { AdminSessionDocument } from "../../graphql/generated/admin";
import { setApiKey, useApiKey } from "../../shared/apiKeyStore";
import type { Failure } from "../../shared/failure";
import { FailureMessage, Skeleton } from "../../shared/Status";
import { useRequest } from "../data/useRequest";
import { Bar } from "./Bar";
import { ReportFailure } from "./session";
import { SignIn } from "./SignIn";

/**
 * Shows `children` to an admin and the sign-in form to others. When the key expires, the form stands in front of the
 * page, whose inputs are kept.
 */
export function Session({ children }: { children: ReactNode }) {
  const key = useApiKey();
  const [rejection, setRejection] = useState<Failure>();
  const reportFailure = useCallback((failure: Failure | undefined) => {
    if (failure?.kind === "unauthorized") {
      setRejection(failure);
    }
  }, []);
  const [wasIn, setWasIn] = useState(false);

  return (
    <ReportFailure value={reportFailure}>
      {key === "" || rejection ? (
        <>
          <Bar />
          <SignIn
            key={key}
            rejection={key === "" ? undefined : rejection}
            isInterruption={wasIn}
            onSignIn={(entered) => {
              setRejection(undefined);
              setApiKey(entered);
            }}
          />
        </>
      ) : (
        !wasIn && <Check onSuccess={() => setWasIn(true)} />
      )}
      {wasIn && (
        <div hidden={key === "" || rejection !== undefined}>
          <Bar
            onSignOut={() => {
              setWasIn(false);
              setApiKey("");
            }}
          />
          {children}
        </div>
      )}
    </ReportFailure>
  );
}

/** Checks a key by a field that only admins may read. */
function Check({ onSuccess }: { onSuccess: () => void }) {
  const { data, failure, reload } = useRequest(AdminSessionDocument, {});
  useEffect(() => {
    if (data) {
      onSuccess();
    }
  });
  return (
    <>
      <Bar />
      <main className="page">
        {failure && failure.kind !== "unauthorized" ? (
          <FailureMessage failure={failure} onRetry={reload} />
        ) : (
          <Skeleton lines={4} label="Checking the key" />
        )}
      </main>
    </>
  );
}
