/** A column of a table on the page and of its CSV file. */
export interface Column<Row> {
  /** Heading in the page. */
  header: string;
  /** Unit, below the heading. */
  unit?: string;
  /** Name in the file. */
  name: string;
  /** Cell in the page. */
  text: (row: Row) => string;
  /** Field in the file: numbers with all their digits, times in RFC 3339. */
  value: (row: Row) => string | number | null;
  numeric?: boolean;
}

/** The rows as CSV (RFC 4180), with a header line. Text that a spreadsheet would run as a formula is prefixed. */
export function csvOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(({ name }) => name),
    ...rows.map((row) => columns.map(({ value }) => field(value(row)))),
  ];
  return lines.map((line) => `${line.map(quoted).join(",")}\r\n`).join("");
}

function field(value: string | number | null): string {
  if (value === null) {
    return "";
  }
  return typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Name of a file for downloading, of letters, digits, dots and dashes. */
export function fileName(...parts: string[]): string {
  return `${parts.join("-").replaceAll(/[^\p{L}\p{N}.]+/gu, "-").replaceAll(/^-|-$/g, "").toLowerCase()}.csv`;
}
