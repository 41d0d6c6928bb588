import { type FormEvent, useId, useState } from "react";
import { isSendable } from "../../apiKey";
import { setApiKey, useApiKey } from "../../shared/apiKeyStore";
import { Button } from "../../shared/Button";

/** Sets the API key of this tab. */
export function KeyForm({ onDone }: { onDone?: () => void }) {
  const current = useApiKey();
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const id = useId();
  const set = (next: string) => {
    setApiKey(next);
    onDone?.();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault(); // the key must not be in an address
    const trimmed = key.trim();
    if (trimmed === "" || !isSendable(trimmed)) {
      setProblem("A key has letters, digits and punctuation without spaces. Paste it again.");
    } else {
      set(trimmed);
    }
  };
  return (
    <form className="form" onSubmit={submit}>
      <label htmlFor={id}>API key with permission to read</label>
      <input
        id={id}
        className="field"
        type="password"
        autoComplete="off"
        spellCheck={false}
        value={key}
        aria-describedby={`${id}-hint`}
        aria-invalid={problem !== null}
        onChange={(event) => setKey(event.target.value)}
      />
      <p id={`${id}-hint`} className="form-hint">
        {problem ?? "The key is kept in this tab and deleted with it."}
      </p>
      <div className="form-actions">
        <Button type="submit" look="primary">
          Use this key
        </Button>
        {current !== "" && <Button onClick={() => set("")}>Remove the key</Button>}
      </div>
    </form>
  );
}
