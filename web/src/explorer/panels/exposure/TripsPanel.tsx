import type { DeviceTripsQuery } from "../../../graphql/generated/panels";
import { Button } from "../../../shared/Button";
import { formatDistance, formatValue } from "../../../shared/format";
import { type TableColumn, TableRows } from "../../../shared/TableRows";
import { usePanelSettings } from "../context";
import { formatMoment } from "../data/labels";
import { seconds } from "../data/series";
import { Empty, Panel, Partial } from "../frame/Panel";
import { ScrollTable } from "../frame/ScrollTable";
import type { PanelQuery } from "../frame/usePanelQuery";
import { Meaning } from "../meaning/Meaning";
import { formatElapsed } from "./ExposurePanel";

type Trips = NonNullable<DeviceTripsQuery["device"]>["trips"];

/** The trips of a mobile device in the range; one opens its own panels. */
export function TripsPanel({ query }: { query: PanelQuery<Trips> }) {
  const { onChange } = usePanelSettings();
  const columns: readonly TableColumn<Trips["nodes"][number]>[] = [
    {
      header: "Start",
      cell: ({ id, start }) => (
        <Button look="quiet" className="row-button" onClick={() => onChange({ subjects: [{ kind: "trip", id }] })}>
          {formatMoment(seconds(start))}
        </Button>
      ),
    },
    { header: "Length", numeric: true, cell: ({ distance }) => formatDistance(distance) },
    { header: "Time", numeric: true, cell: ({ duration }) => formatElapsed(duration) },
    { header: "PM2.5", unit: "µg/m³", numeric: true, cell: ({ pm25 }) => formatValue(pm25?.mean, "PM2_5") },
    { header: "PM10", unit: "µg/m³", numeric: true, cell: ({ pm10 }) => formatValue(pm10?.mean, "PM10") },
  ];
  return (
    <Panel title="Trips" query={query} lines={5}>
      {({ nodes, pageInfo, incompleteBefore }) =>
        nodes.length === 0 ? (
          <Empty>No trip in this time range.</Empty>
        ) : (
          <>
            <ScrollTable label="Trips">
              <TableRows columns={columns} rows={nodes} rowKey={({ id }) => id} />
            </ScrollTable>
            {pageInfo.hasNextPage && <Partial>The newest 20 trips are listed.</Partial>}
            {incompleteBefore !== null && (
              <Partial>
                Trips before {formatMoment(seconds(incompleteBefore))} may be missing: choose a shorter time range.
              </Partial>
            )}
            <Meaning section="Trips">
              Means are weighted by time. A trip ends with a pause of more than 5 minutes.
            </Meaning>
          </>
        )
      }
    </Panel>
  );
}
