import { useEffect, useState } from "react";
import { type AdminUplinkFragment, AdminUplinksDocument, type UplinkOutcome } from "../../graphql/generated/admin";
import { ShowQuery } from "../../shared/ShowQuery";
import { Message } from "../../shared/Status";
import { type TableColumn, TableRows } from "../../shared/TableRows";
import { useDebounced } from "../data/useDebounced";
import { PAGE_SIZE, usePages } from "../data/usePages";
import { useRequest } from "../data/useRequest";
import { hrefOf } from "../route";
import { PageHeading } from "../shell/PageHeading";
import { replaceRoute } from "../shell/useRoute";
import { Age } from "../ui/Age";
import { formatBytes } from "../ui/bytes";
import { DeviceInput } from "../ui/DeviceInput";
import { FormField } from "../ui/FormField";
import { Loaded } from "../ui/Loaded";
import { Pager } from "../ui/Pager";
import { OutcomeTag } from "./OutcomeTag";
import { ReplayMatching } from "./ReplayMatching";

export function UplinkList({
  outcome: initialOutcome,
  device: initialDevice,
}: {
  outcome?: UplinkOutcome | undefined;
  device?: string | undefined;
}) {
  const [outcome, setOutcome] = useState<UplinkOutcome | "">(initialOutcome ?? "");
  const [deviceText, setDevice] = useState(initialDevice ?? "");
  const device = useDebounced(deviceText.trim());
  useEffect(() => {
    replaceRoute({
      page: "uplinks",
      ...(outcome === "" ? {} : { outcome }),
      ...(device === "" ? {} : { device }),
    });
  }, [outcome, device]);

  const filter = {
    ...(outcome === "" ? {} : { outcome }),
    ...(device === "" ? {} : { devices: [device] }),
  };
  const pages = usePages(filter);
  const variables = { filter, first: PAGE_SIZE, after: pages.after };
  const request = useRequest(AdminUplinksDocument, variables);

  return (
    <>
      <PageHeading title="Uplinks">
        <ReplayMatching filter={filter} onReplay={request.reload} />
      </PageHeading>
      <p className="lead">Request bodies of sensors and network servers, as they were received.</p>
      <div className="toolbar">
        <FormField label="Outcome">
          {(attributes) => (
            <select
              {...attributes}
              value={outcome}
              onChange={({ target }) => setOutcome(target.value as UplinkOutcome | "")}
            >
              <option value="">all</option>
              <option value="UNDECODABLE">undecodable</option>
              <option value="RECORDED">recorded</option>
            </select>
          )}
        </FormField>
        <FormField label="Device">
          {(attributes) => <DeviceInput attributes={attributes} value={deviceText} onChange={setDevice} />}
        </FormField>
        <ShowQuery document={AdminUplinksDocument} variables={variables} label="Show query of the list of uplinks" />
      </div>
      <Loaded request={request} lines={8}>
        {({ uplinks }) =>
          uplinks.nodes.length === 0 && pages.page === 0 ? (
            <Message title="No uplinks">
              <p>
                {outcome === "" && device === ""
                  ? "No sensor has sent a body yet. Imported files are not kept as uplinks."
                  : "No stored uplink matches. An uplink that could not be decoded has no device."}
              </p>
            </Message>
          ) : (
            <>
              <table className="list cards">
                <TableRows columns={COLUMNS} rows={uplinks.nodes} rowKey={({ id }) => id} />
              </table>
              <Pager pages={pages} pageInfo={uplinks.pageInfo} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

const COLUMNS: readonly TableColumn<AdminUplinkFragment>[] = [
  {
    header: "Received",
    cell: ({ id, receivedAt }) => (
      <a href={hrefOf({ page: "uplink", id })}>
        <Age time={receivedAt} />
      </a>
    ),
  },
  { header: "Format", cell: ({ format }) => format },
  {
    header: "Device",
    cell: ({ device, named, outcome, recorded }) =>
      device ? (
        <a href={hrefOf({ page: "device", key: device.key })}>{device.key}</a>
      ) : (
        <span className="muted">{named ?? (outcome === "RECORDED" && recorded > 0 ? "several" : "–")}</span>
      ),
  },
  { header: "Key", cell: ({ apiKey }) => apiKey?.name ?? <span className="muted">–</span> },
  { header: "Size", numeric: true, cell: ({ bytes }) => formatBytes(bytes) },
  { header: "Outcome", className: "wide", cell: (uplink) => <OutcomeTag uplink={uplink} /> },
];
