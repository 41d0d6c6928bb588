/** Bytes of a body that are shown as hexadecimal numbers; the others are only counted. */
const MAX_HEX_BYTES = 4096;
const BYTES_PER_LINE = 16;

/** JSON with line breaks; undefined for any other text. */
export function prettyJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined;
  }
}

/** Bytes as lines of hexadecimal numbers and characters, like `xxd`. */
export function hexDump(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const lines: string[] = [];
  for (let offset = 0; offset < Math.min(bytes.length, MAX_HEX_BYTES); offset += BYTES_PER_LINE) {
    const line = [...bytes.subarray(offset, Math.min(offset + BYTES_PER_LINE, MAX_HEX_BYTES))];
    const numbers = line.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const characters = line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${offset.toString(16).padStart(8, "0")}  ${numbers.padEnd(BYTES_PER_LINE * 3 - 1)}  ${characters}`);
  }
  if (bytes.length > MAX_HEX_BYTES) {
    lines.push(`… ${bytes.length - MAX_HEX_BYTES} more bytes`);
  }
  return lines.join("\n");
}
