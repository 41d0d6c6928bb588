import { formatCount, formatShare, formatValue } from "../../../shared/format";
import { QUANTITIES, type Quantity } from "../../../shared/quantity";
import type { ParticulatesFragment, SummaryFieldsFragment } from "../../../graphql/generated/panels";
import { usePanelSettings } from "../context";
import { useChartData } from "../frame/DataTable";
import { Empty, Panel } from "../frame/Panel";
import type { PanelQuery } from "../frame/usePanelQuery";
import { Meaning } from "../meaning/Meaning";
import { meanMeaning } from "../meaning/sentence";
import type { Column } from "../frame/columns";
import { ScrollTable } from "../frame/ScrollTable";

/** Statistics of a quantity; percentiles are absent where they were not requested. */
export interface SummaryRow {
  quantity: Quantity;
  summary: Partial<SummaryFieldsFragment> & Pick<SummaryFieldsFragment, "count" | "mean">;
}

export interface StatisticsData {
  total: SummaryFieldsFragment;
  /** Number of measurements, with or without values. */
  measurements: number;
  coverage: number | null;
}

/** The quantities of a particulate sensor that have values. */
export function particulateRows(statistics: ParticulatesFragment | undefined): SummaryRow[] {
  if (statistics === undefined) {
    return [];
  }
  const rows: SummaryRow[] = [
    { quantity: "PM1", summary: defined(statistics.pm1) },
    { quantity: "PM2_5", summary: defined(statistics.pm25) },
    { quantity: "PM4", summary: defined(statistics.pm4) },
    { quantity: "PM10", summary: defined(statistics.pm10) },
  ];
  return rows.filter(({ summary }) => summary.count > 0);
}

/** Drops fields that the request left out. */
function defined<Fields extends object>(fields: Fields): { [Name in keyof Fields]: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as { [Name in keyof Fields]: Exclude<Fields[Name], undefined> };
}

/** Statistics of the shown quantity and of the other particulates over the whole time range. */
export function StatisticsPanel({
  name,
  query,
  others,
}: {
  name: string;
  query: PanelQuery<StatisticsData>;
  others: readonly SummaryRow[];
}) {
  const { quantity, span } = usePanelSettings();
  const title = "Statistics";
  const { data } = query;
  const rows: SummaryRow[] = data
    ? [{ quantity, summary: data.total }, ...others.filter((other) => other.quantity !== quantity)]
    : [];
  const { actions } = useChartData(title, [name, "statistics", span.from.slice(0, 10)], {
    caption: title,
    columns: COLUMNS,
    rows,
    rowKey: (row) => row.quantity,
  }, false);
  return (
    <Panel title={title} query={query} actions={actions} lines={6}>
      {({ total, measurements, coverage }) =>
        measurements === 0 ? (
          <Empty>No measurement in this time range.</Empty>
        ) : (
          <>
            <SummaryTable rows={rows} />
            <p className="chart-summary">
              {formatCount(measurements)} measurements
              {coverage !== null && `; ${formatShare(coverage)} of the hours have data`}.
            </p>
            <Meaning section="Statistics">
              {meanMeaning({ count: total.count, invalid: total.invalidCount, coverage })}
            </Meaning>
          </>
        )
      }
    </Panel>
  );
}

const STATISTICS: readonly { header: string; of: (summary: SummaryRow["summary"]) => number | null | undefined }[] = [
  { header: "Mean", of: ({ mean }) => mean },
  { header: "Standard deviation", of: ({ standardDeviation }) => standardDeviation },
  { header: "Lowest", of: ({ min }) => min },
  { header: "10th percentile", of: ({ p10 }) => p10 },
  { header: "Median", of: ({ median }) => median },
  { header: "90th percentile", of: ({ p90 }) => p90 },
  { header: "Highest", of: ({ max }) => max },
];

/** One column for each quantity: few columns, so that it fits beside a map and on phones. */
export function SummaryTable({ rows }: { rows: readonly SummaryRow[] }) {
  return (
    <ScrollTable label="Statistics by quantity">
      <thead>
        <tr>
          <td />
          {rows.map(({ quantity }) => (
            <th key={quantity} scope="col" className="number">
              {QUANTITIES[quantity].label}
              <span className="unit">{QUANTITIES[quantity].unit}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">Values (n)</th>
          {rows.map(({ quantity, summary }) => (
            <td key={quantity} className="number">
              {formatCount(summary.count)}
            </td>
          ))}
        </tr>
        {STATISTICS.filter(({ of }) => rows.some(({ summary }) => of(summary) !== undefined)).map(
          ({ header, of }) => (
            <tr key={header}>
              <th scope="row">{header}</th>
              {rows.map(({ quantity, summary }) => (
                <td key={quantity} className="number">
                  {formatValue(of(summary), quantity)}
                </td>
              ))}
            </tr>
          ),
        )}
      </tbody>
    </ScrollTable>
  );
}

const COLUMNS: readonly Column<SummaryRow>[] = [
  {
    header: "Quantity",
    name: "quantity",
    text: ({ quantity }) => QUANTITIES[quantity].label,
    value: ({ quantity }) => quantity,
  },
  {
    header: "Unit",
    name: "unit",
    text: ({ quantity }) => QUANTITIES[quantity].unit,
    value: ({ quantity }) => QUANTITIES[quantity].unit,
  },
  {
    header: "Values",
    name: "count",
    numeric: true,
    text: ({ summary }) => formatCount(summary.count),
    value: ({ summary }) => summary.count,
  },
  ...STATISTICS.map(
    ({ header, of }): Column<SummaryRow> => ({
      header,
      name: header.toLowerCase().replaceAll(" ", "_"),
      numeric: true,
      text: ({ quantity, summary }) => formatValue(of(summary), quantity),
      value: ({ summary }) => of(summary) ?? null,
    }),
  ),
];
