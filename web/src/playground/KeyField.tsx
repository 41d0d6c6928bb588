import { useState } from "react";
import { readApiKey, writeApiKey } from "../apiKey";

/**
 * The API key, stored at each keystroke, so that the next request has it.
 * `onSettled` is called when the input is complete: on blur, or Enter.
 */
export function KeyField({ onSettled }: { onSettled: (key: string) => void }) {
  const [key, setKey] = useState(readApiKey);
  const settle = () => onSettled(readApiKey());

  // No <form>: submitting it could put the key into the URL.
  return (
    <div className="key-field">
      <label htmlFor="api-key">API key</label>
      <input
        id="api-key"
        type="password"
        autoComplete="off"
        spellCheck={false}
        placeholder="none: reading only"
        aria-describedby="api-key-hint"
        value={key}
        onChange={(event) => {
          setKey(event.target.value);
          writeApiKey(event.target.value);
        }}
        onBlur={settle}
        onKeyDown={(event) => event.key === "Enter" && settle()}
      />
      <span id="api-key-hint" className="hint">
        kept in this tab only
      </span>
    </div>
  );
}
