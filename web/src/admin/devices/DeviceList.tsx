import { useEffect, useState } from "react";
import { AdminDevicesDocument, type AdminDevicesQuery } from "../../graphql/generated/admin";
import { formatCount, formatValueWithUnit, plural } from "../../shared/format";
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
import { Loaded } from "../ui/Loaded";
import { Pager } from "../ui/Pager";
import { SearchInput } from "../ui/SearchInput";

const ORDERS = {
  KEY_ASC: "By key",
  LAST_SEEN_DESC: "Newest sample first",
  LAST_SEEN_ASC: "Silent for longest first",
  CREATED_AT_DESC: "Newest device first",
} as const;

type Order = keyof typeof ORDERS;

export const KINDS = { FIXED: "fixed", MOBILE: "mobile" } as const;

export function DeviceList({ text: initialText }: { text: string }) {
  const [text, setText] = useState(initialText);
  const [orderBy, setOrderBy] = useState<Order>("KEY_ASC");
  const searched = useDebounced(text.trim());
  useEffect(() => replaceRoute({ page: "devices", text: searched }), [searched]);

  const list = { filter: searched === "" ? null : { text: searched }, orderBy };
  const pages = usePages(list);
  const variables = { ...list, first: PAGE_SIZE, after: pages.after };
  const request = useRequest(AdminDevicesDocument, variables);

  return (
    <>
      <PageHeading title="Devices">
        <a className="button button-primary" href={hrefOf({ page: "register" })}>
          Register a device
        </a>
      </PageHeading>
      <div className="toolbar">
        <SearchInput label="Search devices" placeholder="Key or name" value={text} onChange={setText} />
        <select
          className="field"
          aria-label="Order"
          value={orderBy}
          onChange={({ target }) => setOrderBy(target.value as Order)}
        >
          {Object.entries(ORDERS).map(([order, label]) => (
            <option key={order} value={order}>
              {label}
            </option>
          ))}
        </select>
        <ShowQuery document={AdminDevicesDocument} variables={variables} label="Show query of the list of devices" />
      </div>
      <Loaded request={request} lines={8}>
        {({ devices }) =>
          devices.nodes.length === 0 && pages.page === 0 ? (
            <NoDevices text={searched} />
          ) : (
            <>
              <table className="list cards">
                <TableRows columns={COLUMNS} rows={devices.nodes} rowKey={({ id }) => id} />
              </table>
              <Pager pages={pages} pageInfo={devices.pageInfo} summary={summaryOf(devices, pages.page)} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

const COLUMNS: readonly TableColumn<AdminDevicesQuery["devices"]["nodes"][number]>[] = [
  { header: "Key", cell: ({ key }) => <a href={hrefOf({ page: "device", key })}>{key}</a> },
  { header: "Name", cell: ({ name }) => name ?? <span className="muted">–</span> },
  { header: "Kind", cell: ({ kind }) => KINDS[kind] },
  {
    header: "Position",
    cell: ({ kind, latitude, longitude }) =>
      latitude != null && longitude != null ? (
        <span className="mono">{`${latitude.toFixed(4)}, ${longitude.toFixed(4)}`}</span>
      ) : (
        <span className="muted">{kind === "MOBILE" ? "moves" : "not set"}</span>
      ),
  },
  { header: "Newest sample", cell: ({ latest }) => <Age time={latest?.measuredAt} none="none" /> },
  {
    header: "PM2.5",
    numeric: true,
    cell: ({ latest }) =>
      latest?.pm25 == null ? <span className="muted">–</span> : formatValueWithUnit(latest.pm25, "PM2_5"),
  },
];

function NoDevices({ text }: { text: string }) {
  return text === "" ? (
    <Message title="No devices yet">
      <p>
        A device is registered by its first sample, or here before it sends one. A sensor needs a{" "}
        <a href={hrefOf({ page: "createKey" })}>key</a>.
      </p>
    </Message>
  ) : (
    <Message title="No device found">
      <p>No key and no name contains “{text}”.</p>
    </Message>
  );
}

/** Such as `26–50 of 132 devices`. */
function summaryOf(
  { nodes, totalCount, totalCountIsEstimate }: AdminDevicesQuery["devices"],
  page: number,
): string {
  const first = page * PAGE_SIZE + 1;
  if (totalCount == null) {
    return `${first}–${first + nodes.length - 1}`;
  }
  const total = `${totalCountIsEstimate ? "about " : ""}${plural(totalCount, "device")}`;
  return nodes.length === totalCount ? total : `${formatCount(first)}–${formatCount(first + nodes.length - 1)} of ${total}`;
}
