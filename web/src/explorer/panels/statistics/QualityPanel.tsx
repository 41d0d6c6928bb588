import { useState } from "react";
import type { DeviceQualityQuery, QualityFlag } from "../../../graphql/generated/panels";
import { Button } from "../../../shared/Button";
import { formatCount, formatShare } from "../../../shared/format";
import type { Quantity } from "../../../shared/quantity";
import { type TableColumn, TableRows } from "../../../shared/TableRows";
import { FLAGS } from "../data/flags";
import { Panel } from "../frame/Panel";
import { ScrollTable } from "../frame/ScrollTable";
import type { PanelQuery } from "../frame/usePanelQuery";
import { DocsLink } from "../meaning/Meaning";
import { type SummaryRow, SummaryTable } from "./StatisticsPanel";

export type QualityData = NonNullable<DeviceQualityQuery["device"]>;

const TITLE = "Weather, gases and quality flags";

/** The request of this panel reads every measurement of the range, so it waits for a button. */
export function QualityPanel({ useQuality }: { useQuality: () => PanelQuery<QualityData> }) {
  const [open, setOpen] = useState(false);
  if (open) {
    return <LoadedQuality useQuality={useQuality} />;
  }
  return (
    <section className="panel panel-closed" aria-label={TITLE}>
      <Button aria-expanded={false} onClick={() => setOpen(true)}>
        Show {TITLE.toLowerCase()}
      </Button>
    </section>
  );
}

function LoadedQuality({ useQuality }: { useQuality: () => PanelQuery<QualityData> }) {
  return (
    <Panel title={TITLE} query={useQuality()} lines={6}>
      {(data) => {
        const rows = otherRows(data);
        const measurements = data.quantities[0]?.count ?? 0;
        const flags = flagRows(data);
        return (
          <>
            {rows.length > 0 ? <SummaryTable rows={rows} /> : <p>No weather, gas or noise values.</p>}
            {flags.length > 0 ? (
              <ScrollTable label="Quality flags">
                <TableRows columns={flagColumns(measurements)} rows={flags} rowKey={({ flag }) => flag} />
              </ScrollTable>
            ) : (
              <p>No measurement of this time range has a quality flag.</p>
            )}
            <p className="meaning">
              A doubtful measurement is stored and flagged, not dropped. <DocsLink section="Quality flags" />
            </p>
          </>
        );
      }}
    </Panel>
  );
}

interface FlagRow {
  flag: QualityFlag;
  count: number;
}

const flagColumns = (measurements: number): readonly TableColumn<FlagRow>[] => [
  {
    header: "Flag",
    cell: ({ flag }) => (
      <>
        {FLAGS[flag].label}
        <span className="row-detail">{FLAGS[flag].meaning}</span>
      </>
    ),
  },
  {
    header: "Measurements",
    numeric: true,
    cell: ({ count }) => (
      <>
        {formatCount(count)}
        {measurements > 0 && <span className="row-detail">{formatShare(count / measurements)}</span>}
      </>
    ),
  },
  { header: "In statistics", cell: ({ flag }) => FLAGS[flag].effect },
];

function otherRows({ quantities }: QualityData): SummaryRow[] {
  const [first] = quantities;
  if (first === undefined) {
    return [];
  }
  const rows: readonly (readonly [Quantity, SummaryRow["summary"]])[] = [
    ["TEMPERATURE", first.temperature],
    ["HUMIDITY", first.humidity],
    ["PRESSURE", first.pressure],
    ["CO2", first.co2],
    ["NO2", first.no2],
    ["O3", first.o3],
    ["NOISE", first.noise],
  ];
  return rows.flatMap(([quantity, summary]) => (summary.count > 0 ? [{ quantity, summary }] : []));
}

function flagRows(data: QualityData): FlagRow[] {
  const counts: readonly (readonly [QualityFlag, { count: number }[]])[] = [
    ["OUT_OF_RANGE", data.outOfRange],
    ["NULL_ISLAND", data.nullIsland],
    ["PM25_ABOVE_PM10", data.pm25AbovePm10],
    ["STALE_FIX", data.staleFix],
    ["AMBIGUOUS_PACKET", data.ambiguousPacket],
    ["IMPLAUSIBLE_SPEED", data.implausibleSpeed],
    ["HIGH_HUMIDITY", data.highHumidity],
    ["STUCK_VALUE", data.stuckValue],
    ["SPIKE", data.spike],
    ["ESTIMATED_TIME", data.estimatedTime],
    ["LATE", data.late],
  ];
  return counts.flatMap(([flag, [group]]) =>
    group !== undefined && group.count > 0 ? [{ flag, count: group.count }] : [],
  );
}
