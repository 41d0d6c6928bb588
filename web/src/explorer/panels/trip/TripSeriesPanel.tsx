import { useMemo } from "react";
import { formatCount } from "../../../shared/format";
import { QUANTITIES } from "../../../shared/quantity";
import type { Subject } from "../../view";
import { BandChart } from "../charts/BandChart";
import { usePanelSettings } from "../context";
import { formatFlags, isParticulate } from "../data/flags";
import { formatMoment } from "../data/labels";
import { hasHatchedGaps, type Point } from "../data/point";
import type { TotalGroup } from "../data/total";
import type { Column } from "../frame/columns";
import { useChartData } from "../frame/DataTable";
import { measurementsExport } from "../frame/exportLink";
import { Empty, Panel, Partial } from "../frame/Panel";
import type { PanelQuery } from "../frame/usePanelQuery";
import { Meaning } from "../meaning/Meaning";
import { describePoint, tripMeaning } from "../meaning/sentence";
import { ChartLegend } from "../series/ChartLegend";
import { PointReadout } from "../series/PointReadout";
import { columnName } from "../series/seriesColumns";
import { describeSeries } from "../series/summary";
import { useSubjectCursor } from "../series/useSubjectCursor";

export interface TripSeriesData {
  trip: { start: string; end: string; count: number; device: { key: string; name: string | null } };
  /** The trip has more samples than were requested. */
  partial: boolean;
  total: TotalGroup;
}

/** The samples of a trip over time. The pointer marks the place on the map. */
export function TripSeriesPanel({
  subject,
  points,
  query,
}: {
  subject: Subject;
  points: readonly Point[];
  query: PanelQuery<TripSeriesData>;
}) {
  const { quantity } = usePanelSettings();
  const { label } = QUANTITIES[quantity];
  const title = `${label} along the trip`;
  const samples = useMemo(() => points.filter(({ count, invalid }) => count + invalid > 0), [points]);
  const columns = useMemo(() => sampleColumns(label, QUANTITIES[quantity].unit, quantity), [label, quantity]);
  const { actions, table } = useChartData(title, ["trip", label, query.data?.trip.start.slice(0, 16) ?? ""], {
    caption: title,
    columns,
    rows: samples,
    rowKey: ({ x }) => x,
  });
  const [cursor, setCursor] = useSubjectCursor(subject, points);
  const point = cursor === null ? null : (points[cursor] ?? null);
  return (
    <Panel title={title} query={query} actions={actions} lines={8}>
      {({ trip, partial, total }) =>
        samples.length === 0 ? (
          <Empty>No sample of this trip has a {label} value.</Empty>
        ) : (
          <>
            <PointReadout
              point={point}
              label={point ? formatMoment(point.x, true) : ""}
              quantity={quantity}
              hint="Point at the chart for values; the map shows where they were measured."
            />
            <BandChart
              label={`${title}, chart: arrow keys read the values`}
              points={points}
              axis={{ kind: "time" }}
              fromZero={isParticulate(quantity)}
              cursor={cursor}
              onCursor={setCursor}
              describe={(index) => {
                const at = points[index];
                return at ? describePoint(at, quantity, formatMoment(at.x, true)) : "";
              }}
            />
            <ChartLegend
              interval={null}
              band={false}
              flags={points.some(({ flags }) => flags.length > 0)}
              gaps={hasHatchedGaps(points)}
            />
            <p className="chart-summary">{describeSeries(points, quantity)}</p>
            {partial && (
              <Partial>
                The chart has the first {formatCount(samples.length)} of {formatCount(trip.count)} samples; the exposure
                and the statistics have all.
              </Partial>
            )}
            {table}
            <Meaning section="Stored values">
              {tripMeaning(total.quantity.count, total.quantity.invalidCount)}
            </Meaning>
            <p>
              <a
                href={measurementsExport(trip.device.key, {
                  from: trip.start,
                  // The end of the export is exclusive, that of a trip is its last sample.
                  to: new Date(Date.parse(trip.end) + 1).toISOString(),
                })}
                download
              >
                All measurements of this trip as CSV
              </a>
            </p>
          </>
        )
      }
    </Panel>
  );
}

function sampleColumns(
  label: string,
  unit: string,
  quantity: Parameters<typeof describePoint>[1],
): Column<Point>[] {
  const decimals = QUANTITIES[quantity].decimals;
  const degrees = (value: number | undefined) => (value === undefined ? "–" : value.toFixed(5));
  return [
    {
      header: "Time",
      name: "time",
      text: ({ x }) => formatMoment(x, true),
      value: ({ x }) => new Date(x * 1000).toISOString(),
    },
    {
      header: label,
      ...(unit !== "" && { unit }),
      name: columnName(label, "value", unit),
      numeric: true,
      text: ({ mean }) => (mean === null ? "–" : mean.toFixed(decimals)),
      value: ({ mean }) => mean,
    },
    {
      header: "Latitude",
      name: "latitude",
      numeric: true,
      text: ({ latitude }) => degrees(latitude),
      value: ({ latitude }) => latitude ?? null,
    },
    {
      header: "Longitude",
      name: "longitude",
      numeric: true,
      text: ({ longitude }) => degrees(longitude),
      value: ({ longitude }) => longitude ?? null,
    },
    {
      header: "Flagged",
      name: "flags",
      text: ({ flags }) => formatFlags(flags),
      value: ({ flags }) => flags.map(({ flag }) => flag).join(" "),
    },
  ];
}
