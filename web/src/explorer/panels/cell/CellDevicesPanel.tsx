import type { CellPanelQuery } from "../../../graphql/generated/panels";
import { Button } from "../../../shared/Button";
import { formatCount, formatShare, formatValue } from "../../../shared/format";
import { QUANTITIES } from "../../../shared/quantity";
import { usePanelSettings } from "../context";
import { Empty, Panel } from "../frame/Panel";
import { ScrollTable } from "../frame/ScrollTable";
import type { PanelQuery } from "../frame/usePanelQuery";
import { Meaning } from "../meaning/Meaning";

/** The devices that measured in a cell: how much each has contributed to its mean. */
export function CellDevicesPanel({ query }: { query: PanelQuery<CellPanelQuery["devices"]> }) {
  const { quantity, onChange } = usePanelSettings();
  return (
    <Panel title="Devices in this cell" query={query} lines={4}>
      {(groups) =>
        groups.length === 0 ? (
          <Empty>No device measured here in this time range.</Empty>
        ) : (
          <>
            <ScrollTable label="Devices in this cell">
              <thead>
                <tr>
                  <th scope="col">Device</th>
                  <th scope="col" className="number">
                    Mean {QUANTITIES[quantity].label}
                    <span className="unit">{QUANTITIES[quantity].unit}</span>
                  </th>
                  <th scope="col" className="number">
                    Values (n)
                  </th>
                  <th scope="col" className="number">
                    Hours with data
                  </th>
                </tr>
              </thead>
              <tbody>
                {groups
                  .toSorted((one, other) => other.count - one.count)
                  .map(
                    (group) =>
                      group.device && (
                        <DeviceRow
                          key={group.device.key}
                          name={group.device.name ?? group.device.key}
                          onOpen={() => {
                            const { key } = group.device ?? {};
                            if (key !== undefined) {
                              onChange({ subjects: [{ kind: "device", key }] });
                            }
                          }}
                          cells={[
                            formatValue(group.quantity.mean, quantity),
                            formatCount(group.quantity.count),
                            group.coverage === null ? "–" : formatShare(group.coverage),
                          ]}
                        />
                      ),
                  )}
              </tbody>
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

function DeviceRow({ name, cells, onOpen }: { name: string; cells: string[]; onOpen: () => void }) {
  return (
    <tr>
      <th scope="row">
        <Button look="quiet" className="row-button" onClick={onOpen}>
          {name}
        </Button>
      </th>
      {cells.map((text, index) => (
        <td key={index} className="number">
          {text}
        </td>
      ))}
    </tr>
  );
}
