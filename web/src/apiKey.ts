const STORAGE_KEY = "airgraph.apiKey";

// Holds the key if the browser rejects storage (private windows, blocked site data).
let unstored = "";

/**
 * The API key of this tab, or "" for anonymous reading.
 *
 * Stored in `sessionStorage`: it survives a reload and is deleted with the tab.
 */
export function readApiKey(): string {
  try {
    return sessionStorage.getItem(STORAGE_KEY) ?? "";
  } catch {
    return unstored;
  }
}

export function writeApiKey(key: string): void {
  const trimmed = key.trim();
  try {
    if (trimmed === "") {
      sessionStorage.removeItem(STORAGE_KEY);
    } else {
      sessionStorage.setItem(STORAGE_KEY, trimmed);
    }
  } catch {
    unstored = trimmed;
  }
}

/** The authorization header of `key`; empty without a key. */
export function authorization(key: string): { authorization?: string } {
  return key === "" ? {} : { authorization: `Bearer ${key}` };
}

/** Whether `key` is a valid HTTP header value: visible ASCII, no spaces. */
export function isSendable(key: string): boolean {
  return /^[\x21-\x7e]*$/.test(key);
}
