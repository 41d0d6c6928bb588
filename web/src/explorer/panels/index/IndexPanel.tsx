import { useMemo } from "react";
import type { IndexFieldsFragment } from "../../../graphql/generated/panels";
import { SCALES } from "../../../shared/airQualityScale";
import { formatNumber } from "../../../shared/format";
import { QUANTITIES } from "../../../shared/quantity";
import { type TableColumn, TableRows } from "../../../shared/TableRows";
import type { Subject } from "../../view";
import { IndexChart } from "../charts/IndexChart";
import { usePanelSettings } from "../context";
import { formatBucket } from "../data/labels";
import { seconds } from "../data/series";
import { useChartData } from "../frame/DataTable";
import type { Column } from "../frame/columns";
import { Panel } from "../frame/Panel";
import { ScrollTable } from "../frame/ScrollTable";
import type { PanelQuery } from "../frame/usePanelQuery";
import { DocsLink } from "../meaning/Meaning";
import { indexMeaning } from "../meaning/sentence";
import { useSubjectCursor } from "../series/useSubjectCursor";
import { emptyPoint } from "../data/point";
import { IndexBadge } from "./IndexBadge";
import "./index.css";

/** An index of a bucket of time. */
export interface IndexPoint {
  start: number;
  end: number;
  value: number | null;
  band: string | null;
  colour: string | null;
}

export interface IndexData {
  /** Index on each scale at the end of the range. */
  current: readonly IndexFieldsFragment[];
  /** Series of the scale of the map. Empty: not requested. */
  series: readonly IndexPoint[];
}

const NONE: readonly IndexPoint[] = [];
const TITLE = "Air-quality index";

/** The index with the name and the official colour of its band, on every scale, and its course. */
export function IndexPanel({
  subject,
  name,
  query,
  place,
}: {
  subject: Subject;
  name: string;
  query: PanelQuery<IndexData>;
  place?: { longitude: number; latitude: number } | undefined;
}) {
  const { scale, span } = usePanelSettings();
  const series = query.data?.series ?? NONE;
  const { actions, table } = useChartData(TITLE, [name, scale, span.from.slice(0, 10)], {
    caption: `${SCALES[scale].label} of ${name}`,
    columns: COLUMNS,
    rows: series,
    rowKey: ({ start }) => start,
  });
  return (
    <Panel title={TITLE} query={query} actions={actions} lines={5}>
      {({ current }) => (
        <>
          <ul className="indices">
            {current.map((index) => (
              <li key={index.scale}>
                <IndexBadge index={index} />
                <div>
                  <strong>
                    {SCALES[index.scale].label}
                    {index.band && `: ${index.band}`}
                  </strong>
                  <p className="meaning">{indexMeaning({ ...index, end: seconds(index.end) })}</p>
                </div>
              </li>
            ))}
          </ul>
          <SubIndices current={current} />
          {series.some(({ value }) => value !== null) && (
            <IndexSeries subject={subject} series={series} place={place} />
          )}
          {table}
          <p className="meaning">
            Indicative: low-cost sensors are not reference stations, and pollutants that are not measured may be
            worse. <DocsLink section="Air quality indices" />
          </p>
        </>
      )}
    </Panel>
  );
}

function IndexSeries({
  subject,
  series,
  place,
}: {
  subject: Subject;
  series: readonly IndexPoint[];
  place?: { longitude: number; latitude: number } | undefined;
}) {
  const { scale, onChange } = usePanelSettings();
  const points = useMemo(
    () => series.map(({ start, end }) => emptyPoint((start + end) / 2, start, end)),
    [series],
  );
  const x = useMemo(() => points.map((point) => point.x), [points]);
  const values = useMemo(() => series.map(({ value }) => value), [series]);
  const colours = useMemo(() => series.map(({ colour }) => colour), [series]);
  const [cursor, setCursor] = useSubjectCursor(subject, points, place);
  const at = cursor === null ? undefined : series[cursor];
  return (
    <>
      <p className={at ? "readout" : "readout readout-hint"}>
        {at ? (
          <>
            <span className="readout-label">{formatBucket(at.start, at.end)}</span>
            <strong>{describeIndex(at)}</strong>
          </>
        ) : (
          `${SCALES[scale].label} at the end of each step.`
        )}
      </p>
      <IndexChart
        label={`${SCALES[scale].label} over time, chart: arrow keys read the values`}
        x={x}
        values={values}
        colours={colours}
        cursor={cursor}
        onCursor={setCursor}
        describe={(index) => {
          const point = series[index];
          return point ? `${formatBucket(point.start, point.end)}: ${describeIndex(point)}` : "";
        }}
        onPick={(index) => {
          const end = series[index]?.end;
          if (end !== undefined) {
            onChange({ at: new Date(end * 1000).toISOString() });
          }
        }}
      />
    </>
  );
}

type SubIndex = Pick<IndexFieldsFragment, "scale"> & IndexFieldsFragment["subIndices"][number];

const SUB_INDEX_COLUMNS: readonly TableColumn<SubIndex>[] = [
  { header: "Scale", cell: ({ scale }) => SCALES[scale].label },
  { header: "Pollutant", cell: ({ pollutant }) => QUANTITIES[pollutant].label },
  {
    header: "µg/m³",
    numeric: true,
    cell: ({ concentration }) => (concentration === null ? "–" : formatNumber(concentration)),
  },
  { header: "Index", numeric: true, cell: ({ value }) => value ?? "–" },
  { header: "Band", cell: ({ band }) => band ?? "–" },
];

/** The concentrations that the indices are computed from. */
function SubIndices({ current }: { current: readonly IndexFieldsFragment[] }) {
  const rows = current.filter(({ subIndices }) => subIndices.some(({ concentration }) => concentration !== null));
  if (rows.length === 0) {
    return null;
  }
  return (
    <details className="sub-indices">
      <summary>Concentrations behind the indices</summary>
      <ScrollTable label="Concentrations behind the indices">
        <TableRows
          columns={SUB_INDEX_COLUMNS}
          rows={rows.flatMap(({ scale, subIndices }) => subIndices.map((subIndex) => ({ scale, ...subIndex })))}
          rowKey={({ scale, pollutant }) => `${scale} ${pollutant}`}
        />
      </ScrollTable>
      <ul className="sources">
        {rows.map(({ scale, version }) => (
          <li key={scale}>
            {SCALES[scale].label}: {version}
          </li>
        ))}
      </ul>
    </details>
  );
}

function describeIndex({ value, band }: IndexPoint): string {
  return value === null ? "too few hours with data" : `${value}, ${band ?? ""}`;
}

const COLUMNS: readonly Column<IndexPoint>[] = [
  {
    header: "Time",
    name: "start",
    text: ({ start, end }) => formatBucket(start, end),
    value: ({ start }) => new Date(start * 1000).toISOString(),
  },
  {
    header: "Index",
    name: "index",
    numeric: true,
    text: ({ value }) => (value === null ? "–" : String(value)),
    value: ({ value }) => value,
  },
  { header: "Band", name: "band", text: ({ band }) => band ?? "–", value: ({ band }) => band },
];

