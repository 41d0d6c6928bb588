/** The answer of `POST /ingest/csv`. */
export interface ImportReport {
  dryRun: boolean;
  /** Lines read, without the header and lines without data. */
  lines: number;
  recorded: number;
  duplicates: number;
  /** Lines that are not samples; the first thousand are listed. */
  rejected: { count: number; lines: RejectedLine[] };
  /** Names of columns and sensors without a meaning. */
  ignored?: string[];
  /** Unreadable values in lines that are samples; the first thousand are listed. */
  unreadable?: { count: number; values: UnreadableValue[] };
}

export interface RejectedLine {
  /** From 1, the header included. */
  line: number;
  code: string;
  detail: string;
}

export interface UnreadableValue extends RejectedLine {
  column: string;
}

/** The report of a response body, also of one with an error beside the report. */
export function reportOf(body: unknown): ImportReport | undefined {
  if (typeof body !== "object" || body === null) {
    return undefined;
  }
  const report = "report" in body ? body.report : body;
  return typeof report === "object" && report !== null && "lines" in report && "rejected" in report
    ? (report as ImportReport)
    : undefined;
}
