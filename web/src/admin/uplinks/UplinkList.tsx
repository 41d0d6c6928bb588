import { useEffect, useState } from "react";
import { type AdminUplinkFragment, AdminUplinksDocument, type UplinkOutcome } from "../../graphql/generated/admin";
import { ShowQuery } from "../../shared/ShowQuery";
import { Message } from "../../shared/Status";
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
              <Table uplinks={uplinks.nodes} />
              <Pager pages={pages} pageInfo={uplinks.pageInfo} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

function Table({ uplinks }: { uplinks: AdminUplinkFragment[] }) {
  return (
    <table className="list cards">
      <thead>
        <tr>
          <th scope="col">Received</th>
          <th scope="col">Format</th>
          <th scope="col">Device</th>
          <th scope="col">Key</th>
          <th scope="col" className="number">
            Size
          </th>
          <th scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody>
        {uplinks.map((uplink) => (
          <tr key={uplink.id}>
            <th scope="row">
              <a href={hrefOf({ page: "uplink", id: uplink.id })}>
                <Age time={uplink.receivedAt} />
              </a>
            </th>
            <td data-label="Format">{uplink.format}</td>
            <td data-label="Device">
              {uplink.device ? (
                <a href={hrefOf({ page: "device", key: uplink.device.key })}>{uplink.device.key}</a>
              ) : (
                <span className="muted">
                  {uplink.named ?? (uplink.outcome === "RECORDED" && uplink.recorded > 0 ? "several" : "–")}
                </span>
              )}
            </td>
            <td data-label="Key">{uplink.apiKey?.name ?? <span className="muted">–</span>}</td>
            <td data-label="Size" className="number">
              {formatBytes(uplink.bytes)}
            </td>
            <td data-label="Outcome" className="wide">
              <OutcomeTag uplink={uplink} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
