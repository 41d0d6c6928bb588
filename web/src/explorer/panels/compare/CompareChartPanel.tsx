import { useMemo } from "react";
import { formatValue, formatValueWithUnit } from "../../../shared/format";
import { QUANTITIES, type Quantity } from "../../../shared/quantity";
import { sameSubject } from "../../view";
import { LinesChart } from "../charts/LinesChart";
import { subjectLetter } from "../charts/subjectStyle";
import { usePanelSettings } from "../context";
import { isParticulate } from "../data/flags";
import { formatInterval, formatMoment } from "../data/labels";
import { nearestIndex } from "../data/point";
import type { Column } from "../frame/columns";
import { useChartData } from "../frame/DataTable";
import { Empty, Panel } from "../frame/Panel";
import type { PanelQuery } from "../frame/usePanelQuery";
import { Meaning } from "../meaning/Meaning";
import { compareMeaning } from "../meaning/sentence";
import { columnName } from "../series/seriesColumns";
import type { Comparison } from "./comparison";
import { RemoveButton, SubjectMark } from "./SubjectMark";

/** The means of the compared subjects as lines. */
export function CompareChartPanel({ query }: { query: PanelQuery<Comparison> }) {
  const { quantity, view, span } = usePanelSettings();
  const { label } = QUANTITIES[quantity];
  const title = `${label} compared`;
  const { data } = query;
  const rows = useMemo(() => data?.x.map((_, index) => index) ?? [], [data]);
  const columns = useMemo(() => (data ? compareColumns(data, quantity) : []), [data, quantity]);
  const { actions, table } = useChartData(title, ["compared", label, span.from.slice(0, 10)], {
    caption: title,
    columns,
    rows,
    rowKey: (index) => index,
  });
  const [cursor, setCursor] = useCompareCursor(data);
  const mark = view.at === null || data?.elapsed ? null : Date.parse(view.at) / 1000;
  return (
    <Panel title={title} query={query} actions={actions} lines={8}>
      {(comparison) =>
        comparison.lines.every((line) => line.every((value) => value === null)) ? (
          <Empty>None of them has a {label} value in this time range.</Empty>
        ) : (
          <>
            <ul className="compare-readout">
              <li className="readout-label">
                {cursor === null ? "Mean of the time range" : positionLabel(comparison, cursor)}
              </li>
              {comparison.subjects.map(({ subject, name, total }, index) => (
                <li key={name + index}>
                  <SubjectMark index={index} />
                  <span className="compare-name">{name}</span>
                  <strong>
                    {formatValueWithUnit(
                      cursor === null ? total.quantity.mean : comparison.lines[index]?.[cursor],
                      quantity,
                    )}
                  </strong>
                  <RemoveButton name={name} subject={subject} />
                </li>
              ))}
            </ul>
            <LinesChart
              label={`${title}, chart: arrow keys read the values`}
              x={comparison.x}
              lines={comparison.lines}
              axis={comparison.elapsed ? "elapsed" : "time"}
              fromZero={isParticulate(quantity)}
              cursor={cursor}
              onCursor={setCursor}
              describe={(index) => describePosition(comparison, index, quantity)}
              mark={mark}
            />
            {table}
            <Meaning section="Statistics">{compareMeaning(intervalOf(comparison), comparison.elapsed)}</Meaning>
          </>
        )
      }
    </Panel>
  );
}

/** The cursor, and the moment of the subject whose line is nearest to the pointer. */
function useCompareCursor(
  data: Comparison | undefined,
): [number | null, (index: number | null, nearestSeries: number) => void] {
  const { hover, onHover } = usePanelSettings();
  if (data === undefined) {
    return [null, () => undefined];
  }
  const hovered = hover ? data.subjects.findIndex(({ subject }) => sameSubject(subject, hover.subject)) : -1;
  let cursor: number | null = null;
  if (hover && hovered >= 0) {
    const time = Date.parse(hover.time) / 1000;
    const starts = (data.starts[hovered] ?? []).flatMap((start, index) =>
      start === null ? [] : [{ x: start, index }],
    );
    const nearest = data.elapsed
      ? starts[nearestIndex(starts, time) ?? -1]?.index
      : nearestIndex(data.x.map((x) => ({ x })), time);
    cursor = nearest ?? null;
  }
  const setCursor = (index: number | null, nearestSeries: number) => {
    if (index === null) {
      onHover(null);
      return;
    }
    const line = data.lines[nearestSeries - 1]?.[index] == null
      ? Math.max(data.lines.findIndex((values) => values[index] != null), 0)
      : nearestSeries - 1;
    const compared = data.subjects[line];
    const time = data.elapsed ? data.starts[line]?.[index] : data.x[index];
    if (compared && time != null) {
      onHover({ subject: compared.subject, time: new Date(time * 1000).toISOString(), ...compared.place });
    }
  };
  return [cursor, setCursor];
}

function positionLabel({ x, elapsed }: Comparison, index: number): string {
  const at = x[index] ?? 0;
  return elapsed ? `${at} min after the start` : formatMoment(at);
}

function describePosition(comparison: Comparison, index: number, quantity: Quantity): string {
  const values = comparison.subjects.map(
    ({ name }, line) => `${name}: ${formatValueWithUnit(comparison.lines[line]?.[index], quantity)}`,
  );
  return `${positionLabel(comparison, index)}. ${values.join("; ")}`;
}

function intervalOf({ x, elapsed }: Comparison): string {
  const step = x.length > 1 ? (x[1] ?? 0) - (x[0] ?? 0) : 0;
  return elapsed ? "1 minute" : formatInterval(step);
}

function compareColumns(comparison: Comparison, quantity: Quantity): Column<number>[] {
  const { unit } = QUANTITIES[quantity];
  const { elapsed, x } = comparison;
  return [
    {
      header: elapsed ? "Since the start" : "Time",
      name: elapsed ? "minutes_since_start" : "time",
      text: (index) => positionLabel(comparison, index),
      value: (index) => (elapsed ? (x[index] ?? null) : new Date((x[index] ?? 0) * 1000).toISOString()),
    },
    ...comparison.subjects.map(
      ({ name }, line): Column<number> => ({
        header: `${subjectLetter(line)}: ${name}`,
        name: columnName(name, "mean", unit),
        numeric: true,
        text: (index) => formatValue(comparison.lines[line]?.[index], quantity),
        value: (index) => comparison.lines[line]?.[index] ?? null,
      }),
    ),
  ];
}

