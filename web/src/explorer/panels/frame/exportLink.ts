/** The export of a device's measurements in a span. Relative, so that it works below a path of a reverse proxy. */
export function measurementsExport(device: string, span: { from: string; to: string }): string {
  const parameters = new URLSearchParams({ device, from: span.from, to: span.to });
  return `export/measurements.csv?${parameters}`;
}
