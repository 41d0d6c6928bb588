import { useState } from "react";
import { readApiKey, writeApiKey } from "../apiKey";

/**
 * The API key, written through at each keystroke so that the next request has it.
 * `onSettled` comes when the typing is over: on leaving the field, or Enter.
 */
export function KeyField({ onSettled }: { onSettled: (key: string) => void }) {
  const [key, setKey] = useState(readApiKey);
  const settle = () => onSettled(readApiKey());

  // No <form>: submitting one could put the key into the URL.
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
