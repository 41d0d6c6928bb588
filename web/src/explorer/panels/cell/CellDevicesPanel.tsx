import type { CellPanelQuery } from "../../../graphql/generated/panels";
import { Button } from "../../../shared/Button";
import { formatCount, formatShare, formatValue } from "../../../shared/format";
import { QUANTITIES } from "../../../shared/quantity";
import { type TableColumn, TableRows } from "../../../shared/TableRows";
import { usePanelSettings } from "../context";
import { Empty, Panel } from "../frame/Panel";
import { ScrollTable } from "../frame/ScrollTable";
import type { PanelQuery } from "../frame/usePanelQuery";
import { Meaning } from "../meaning/Meaning";

/** The devices that measured in a cell: how much each has contributed to its mean. */
export function CellDevicesPanel({ query }: { query: PanelQuery<CellPanelQuery["devices"]> }) {
  const { quantity, onChange } = usePanelSettings();
  const { label, unit } = QUANTITIES[quantity];
  const columns: readonly TableColumn<CellPanelQuery["devices"][number]>[] = [
    {
      header: "Device",
      cell: ({ device }) =>
        device && (
          <Button
            look="quiet"
            className="row-button"
            onClick={() => onChange({ subjects: [{ kind: "device", key: device.key }] })}
          >
            {device.name ?? device.key}
          </Button>
        ),
    },
    {
      header: `Mean ${label}`,
      unit,
      numeric: true,
      cell: (group) => formatValue(group.quantity.mean, quantity),
    },
    { header: "Values (n)", numeric: true, cell: (group) => formatCount(group.quantity.count) },
    {
      header: "Hours with data",
      numeric: true,
      cell: ({ coverage }) => (coverage === null ? "–" : formatShare(coverage)),
    },
  ];
  return (
    <Panel title="Devices in this cell" query={query} lines={4}>
      {(groups) =>
        groups.length === 0 ? (
          <Empty>No device measured here in this time range.</Empty>
        ) : (
          <>
            <ScrollTable label="Devices in this cell">
              <TableRows
                columns={columns}
                rows={groups.toSorted((one, other) => other.count - one.count)}
                rowKey={({ device }, index) => device?.key ?? index}
              />
            </ScrollTable>
            <Meaning section="Statistics">
              Each measurement counts once: a device that sends more often has more weight in the mean of the cell.
            </Meaning>
          </>
        )
      }
    </Panel>
  );
}
