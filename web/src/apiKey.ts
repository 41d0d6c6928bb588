const STORAGE_KEY = "airgraph.apiKey";

// Holds the key when the browser refuses storage (private windows, blocked site data).
let unstored = "";

/**
 * The API key typed into this tab, or "" for anonymous reading.
 *
 * It lives in `sessionStorage`: it survives a reload and ends with the tab.
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

/** The header that carries `key`; none when there is no key. */
export function authorization(key: string): { authorization?: string } {
  return key === "" ? {} : { authorization: `Bearer ${key}` };
}

/** Whether `key` can stand in an HTTP header: visible ASCII, no spaces. */
export function isSendable(key: string): boolean {
  return /^[\x21-\x7e]*$/.test(key);
}
