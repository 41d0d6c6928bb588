/** The marks of a series as text. */
export function ChartLegend({
  interval,
  flags,
  gaps,
  band = true,
}: {
  /** Length of the buckets as text. Null: the points are samples. */
  interval: string | null;
  flags: boolean;
  gaps: boolean;
  band?: boolean;
}) {
  return (
    <ul className="chart-legend" aria-label="Legend">
      <li>
        <span className="chart-legend-line" aria-hidden="true" />
        {interval === null ? "samples" : `mean of ${interval}`}
      </li>
      {band && (
        <li>
          <span className="chart-legend-band" aria-hidden="true" />
          10 % to 90 % of the values
        </li>
      )}
      {gaps && (
        <li>
          <span className="chart-legend-gap" aria-hidden="true" />
          no data
        </li>
      )}
      {flags && (
        <li>
          <span className="chart-legend-flag" aria-hidden="true">
            ▲
          </span>
          doubtful values (flagged)
        </li>
      )}
    </ul>
  );
}
