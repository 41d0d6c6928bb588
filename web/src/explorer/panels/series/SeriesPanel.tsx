import { useMemo } from "react";
import type { Subject } from "../../view";
import { QUANTITIES } from "../../../shared/quantity";
import { BandChart } from "../charts/BandChart";
import { usePanelSettings } from "../context";
import { isParticulate } from "../data/flags";
import { formatBucket, formatInterval } from "../data/labels";
import { hasHatchedGaps, type Point } from "../data/point";
import { useChartData } from "../frame/DataTable";
import { measurementsExport } from "../frame/exportLink";
import { Empty, Panel, Partial } from "../frame/Panel";
import type { PanelQuery } from "../frame/usePanelQuery";
import { Meaning } from "../meaning/Meaning";
import { type Counted, describePoint, seriesMeaning } from "../meaning/sentence";
import { ChartLegend } from "./ChartLegend";
import { PointReadout } from "./PointReadout";
import { seriesColumns } from "./seriesColumns";
import { describeSeries } from "./summary";
import { useSubjectCursor } from "./useSubjectCursor";

export interface SeriesData {
  points: readonly Point[];
  total: Counted;
  /** More measurements are flagged than were requested. */
  moreFlags: boolean;
}

const NONE: readonly Point[] = [];

/** Values over time: mean and band, gaps, flags. */
export function SeriesPanel({
  subject,
  name,
  query,
  exportDevice,
  place,
}: {
  subject: Subject;
  /** Name of the subject, for the file. */
  name: string;
  query: PanelQuery<SeriesData>;
  /** Key of the device whose measurements the export has. */
  exportDevice?: string;
  /** Position of a subject that does not move. */
  place?: { longitude: number; latitude: number } | undefined;
}) {
  const { quantity, span, view, onChange } = usePanelSettings();
  const { label } = QUANTITIES[quantity];
  const title = `${label} over time`;
  const points = query.data?.points ?? NONE;
  const columns = useMemo(() => seriesColumns(quantity), [quantity]);
  const { actions, table } = useChartData(title, [name, label, span.from.slice(0, 10)], {
    caption: `${label} of ${name}`,
    columns,
    rows: points,
    rowKey: ({ start }) => start,
  });
  const [cursor, setCursor] = useSubjectCursor(subject, points, place);
  const mark = view.at === null ? null : Date.parse(view.at) / 1000;

  return (
    <Panel title={title} query={query} actions={actions} lines={8}>
      {({ total, moreFlags }) =>
        total.count === 0 ? (
          <Empty>
            {total.invalid > 0
              ? `All ${total.invalid} values of ${label} in this time range are out of range.`
              : `No ${label} in this time range.`}
          </Empty>
        ) : (
          <>
            <PointReadout
              point={cursor === null ? null : (points[cursor] ?? null)}
              label={cursor === null ? "" : formatBucket(points[cursor]?.start ?? 0, points[cursor]?.end ?? null)}
              quantity={quantity}
              hint="Point at the chart for values. Drag to zoom, click to set the time of the map."
            />
            <BandChart
              label={`${title}, chart: arrow keys read the values`}
              points={points}
              axis={{ kind: "time" }}
              fromZero={isParticulate(quantity)}
              cursor={cursor}
              onCursor={setCursor}
              describe={(index) => {
                const point = points[index];
                return point ? describePoint(point, quantity) : "";
              }}
              onSelect={(from, to) =>
                onChange({ range: { kind: "between", from: isoMinute(from), to: isoMinute(to) }, at: null })
              }
              onPick={(index) => {
                const end = points[index]?.end;
                if (end != null) {
                  onChange({ at: new Date(end * 1000).toISOString() });
                }
              }}
              mark={mark}
            />
            <ChartLegend
              interval={intervalOf(points)}
              flags={points.some(({ flags }) => flags.length > 0)}
              gaps={hasHatchedGaps(points)}
            />
            <p className="chart-summary">{describeSeries(points, quantity)}</p>
            {moreFlags && <Partial>Only the first 500 flagged measurements are marked.</Partial>}
            {table}
            <Meaning section="Statistics">{seriesMeaning(intervalOf(points), total)}</Meaning>
            {exportDevice !== undefined && (
              <p>
                <a href={measurementsExport(exportDevice, span)} download>
                  All measurements of this time range as CSV
                </a>
              </p>
            )}
          </>
        )
      }
    </Panel>
  );
}

function intervalOf(points: readonly Point[]): string {
  const [first] = points;
  return formatInterval(first?.end == null ? 0 : first.end - first.start);
}

function isoMinute(seconds: number): string {
  return new Date(Math.round(seconds / 60) * 60_000).toISOString();
}

