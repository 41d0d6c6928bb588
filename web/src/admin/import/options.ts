/** How a file is to be read; the query parameters of `POST /ingest/csv`. */
export interface ImportOptions {
  device: string;
  /** Correct date of the first line, such as 2024-06-09. */
  date: string;
  /** Renamed columns, such as `Zeit:time,Feinstaub:pm10`. */
  columns: string;
}

/** The route with these options; empty ones are left out. */
export function importUrl(page: string, options: ImportOptions, dryRun: boolean): string {
  const url = new URL("ingest/csv", page);
  for (const [name, value] of Object.entries(options)) {
    if (value.trim() !== "") {
      url.searchParams.set(name, value.trim());
    }
  }
  if (dryRun) {
    url.searchParams.set("dryRun", "true");
  }
  return url.href;
}
