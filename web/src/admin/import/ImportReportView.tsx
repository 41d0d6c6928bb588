import { formatCount, plural } from "../../shared/format";
import type { ImportReport, RejectedLine, UnreadableValue } from "./report";

/** The report of a file: counts, and the lines that are not samples. */
export function ImportReportView({ report, isComplete }: { report: ImportReport; isComplete: boolean }) {
  const { dryRun, lines, recorded, duplicates, rejected, ignored, unreadable } = report;
  return (
    <div className="report">
      <h2>{dryRun ? "Result of the dry run" : isComplete ? "Imported" : "Before the failure"}</h2>
      <dl className="counts">
        <Count label="Lines" count={lines} />
        <Count label={dryRun ? "Would be stored" : "Stored"} count={recorded} />
        <Count label="Duplicates" count={duplicates} />
        <Count label="Rejected" count={rejected.count} isBad={rejected.count > 0} />
      </dl>
      {rejected.count > 0 && (
        <Lines title="Rejected lines" count={rejected.count} lines={rejected.lines} />
      )}
      {unreadable && unreadable.count > 0 && (
        <Lines title="Unreadable values" count={unreadable.count} lines={unreadable.values} />
      )}
      {ignored && ignored.length > 0 && (
        <>
          <h3>Ignored columns</h3>
          <p>
            {ignored.map((name) => (
              <code key={name} className="ignored">
                {name}
              </code>
            ))}
          </p>
        </>
      )}
    </div>
  );
}

function Count({ label, count, isBad = false }: { label: string; count: number; isBad?: boolean }) {
  return (
    <div className={isBad ? "count count-bad" : "count"}>
      <dt>{label}</dt>
      <dd>{formatCount(count)}</dd>
    </div>
  );
}

function Lines({
  title,
  count,
  lines,
}: {
  title: string;
  count: number;
  lines: (RejectedLine | UnreadableValue)[];
}) {
  const hasColumns = lines.some((line) => "column" in line);
  return (
    <>
      <h3>{title}</h3>
      {lines.length < count && (
        <p className="hint">
          The first {formatCount(lines.length)} of {plural(count, "line")}.
        </p>
      )}
      <div className="report-lines" tabIndex={0} role="region" aria-label={title}>
        <table className="list cards">
          <thead>
            <tr>
              <th scope="col" className="number">
                Line
              </th>
              {hasColumns && <th scope="col">Column</th>}
              <th scope="col">Reason</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line, index) => (
              <tr key={index}>
                <td className="number" data-label="Line">
                  {line.line}
                </td>
                {"column" in line && <td data-label="Column">{line.column}</td>}
                <td data-label="Reason" className="wide">
                  {line.detail}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
