import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { isSendable } from "../../apiKey";
import { Button } from "../../shared/Button";
import type { Failure } from "../../shared/failure";
import "./signIn.css";

/** The form for the admin key. */
export function SignIn({
  rejection,
  isInterruption,
  onSignIn,
}: {
  /** Why the gateway does not accept the present key. */
  rejection: Failure | undefined;
  /** Whether the page behind was in use. */
  isInterruption: boolean;
  onSignIn: (key: string) => void;
}) {
  const [key, setKey] = useState("");
  const [isShown, setShown] = useState(false);
  const [error, setError] = useState(() => describeRejection(rejection));
  const input = useRef<HTMLInputElement>(null);
  const [inputId, errorId, hintId] = [useId(), useId(), useId()];
  useEffect(() => input.current?.focus(), []);

  const signIn = (event: FormEvent) => {
    event.preventDefault();
    const trimmed = key.trim();
    if (trimmed === "" || !isSendable(trimmed)) {
      setError(
        trimmed === ""
          ? "Enter a key."
          : "The key contains characters that cannot be sent. Paste it once more.",
      );
      input.current?.focus();
      return;
    }
    onSignIn(trimmed);
  };

  return (
    <main className="sign-in">
      {/* The form is sent by script only: the key never stands in an address. */}
      <form className="sign-in-form" onSubmit={signIn} noValidate>
        <h1>{isInterruption ? "Sign in again" : "Sign in"}</h1>
        {isInterruption && <p>What you entered is still there after you have signed in.</p>}
        <div className="form-field">
          <label htmlFor={inputId}>Admin key</label>
          <div className="input-group">
            <input
              ref={input}
              id={inputId}
              className="field mono"
              type={isShown ? "text" : "password"}
              autoComplete="off"
              spellCheck={false}
              autoCapitalize="none"
              aria-describedby={`${errorId} ${hintId}`}
              aria-invalid={error !== undefined}
              value={key}
              onChange={(event) => setKey(event.target.value)}
            />
            <Button aria-pressed={isShown} onClick={() => setShown(!isShown)}>
              Show
            </Button>
          </div>
          <p id={errorId} className="form-error" role="alert">
            {error}
          </p>
        </div>
        <Button look="primary" type="submit">
          Sign in
        </Button>
        <p id={hintId} className="hint">
          The key is kept in this tab only and is deleted with it. The first start of a gateway prints an admin
          key; <code>airgraph keys create NAME --role admin</code> makes another.
        </p>
      </form>
    </main>
  );
}

function describeRejection(rejection: Failure | undefined): string | undefined {
  if (rejection?.kind !== "unauthorized") {
    return undefined;
  }
  return rejection.isForbidden
    ? "This key is valid, but has no admin role. Use a key with the role admin."
    : "This key is not accepted: it is unknown, expired or revoked.";
}
