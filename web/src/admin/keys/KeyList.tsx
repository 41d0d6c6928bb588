import { useEffect, useState } from "react";
import { type AdminApiKeyFragment, AdminApiKeysDocument } from "../../graphql/generated/admin";
import { ShowQuery } from "../../shared/ShowQuery";
import { Message } from "../../shared/Status";
import { type TableColumn, TableRows } from "../../shared/TableRows";
import { useDebounced } from "../data/useDebounced";
import { useNow } from "../../shared/useNow";
import { PAGE_SIZE, usePages } from "../data/usePages";
import { useRequest } from "../data/useRequest";
import { hrefOf } from "../route";
import { PageHeading } from "../shell/PageHeading";
import { replaceRoute } from "../shell/useRoute";
import { Age, Time } from "../ui/Age";
import { Loaded } from "../ui/Loaded";
import { Pager } from "../ui/Pager";
import { SearchInput } from "../ui/SearchInput";
import { RevokeKey } from "./RevokeKey";
import { ROLES, stateOf } from "./state";

export function KeyList({ text: initialText }: { text: string }) {
  const [text, setText] = useState(initialText);
  const [showsAll, setShowsAll] = useState(false);
  const searched = useDebounced(text.trim());
  useEffect(() => replaceRoute({ page: "keys", text: searched }), [searched]);

  const filter = {
    ...(searched === "" ? {} : { text: searched }),
    ...(showsAll ? {} : { isValid: true }),
  };
  const pages = usePages(filter);
  const variables = { filter, first: PAGE_SIZE, after: pages.after };
  const request = useRequest(AdminApiKeysDocument, variables);

  return (
    <>
      <PageHeading title="Keys">
        <a className="button button-primary" href={hrefOf({ page: "createKey" })}>
          Create a key
        </a>
      </PageHeading>
      <div className="toolbar">
        <SearchInput label="Search keys" placeholder="Name or device" value={text} onChange={setText} />
        <label className="check">
          <input
            type="checkbox"
            checked={showsAll}
            onChange={({ target }) => setShowsAll(target.checked)}
          />
          Also expired and revoked
        </label>
        <ShowQuery document={AdminApiKeysDocument} variables={variables} label="Show query of the list of keys" />
      </div>
      <Loaded request={request} lines={8}>
        {({ apiKeys }) =>
          apiKeys.nodes.length === 0 && pages.page === 0 ? (
            <Message title={searched === "" ? "No keys" : "No key found"}>
              <p>
                {searched === ""
                  ? "There is no valid key in the database."
                  : `No ${showsAll ? "" : "valid "}key has “${searched}” in its name or device.`}
              </p>
            </Message>
          ) : (
            <>
              <Table keys={apiKeys.nodes} onRevoke={request.reload} />
              <Pager pages={pages} pageInfo={apiKeys.pageInfo} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

function Table({ keys, onRevoke }: { keys: AdminApiKeyFragment[]; onRevoke: () => void }) {
  const now = useNow(30_000);
  return (
    <table className="list cards">
      <TableRows columns={columns(now, onRevoke)} rows={keys} rowKey={({ id }) => id} />
    </table>
  );
}

const columns = (now: number, onRevoke: () => void): readonly TableColumn<AdminApiKeyFragment>[] => [
  { header: "Name", cell: ({ name }) => name },
  { header: "Role", className: "word", cell: ({ role }) => ROLES[role].label },
  {
    header: "Device",
    cell: ({ deviceKey, role }) =>
      deviceKey == null ? (
        <span className="muted">{role === "SENSOR" ? "any" : "–"}</span>
      ) : (
        <a href={hrefOf({ page: "device", key: deviceKey })}>{deviceKey}</a>
      ),
  },
  {
    header: "Created",
    cell: ({ createdAt, createdBy }) => (
      <>
        <Time time={createdAt} />
        {createdBy && <span className="cell-detail">by {createdBy.name}</span>}
      </>
    ),
  },
  { header: "Last used", cell: ({ lastUsedAt }) => <Age time={lastUsedAt} /> },
  {
    header: "Expires",
    cell: ({ expiresAt }) => (expiresAt ? <Time time={expiresAt} /> : <span className="muted">never</span>),
  },
  {
    header: "State",
    cell: (key) => {
      const state = stateOf(key, now);
      return <span className={`tag tag-${state}`}>{state}</span>;
    },
  },
  {
    header: <span className="visually-hidden">Actions</span>,
    className: "row-actions",
    cell: (key) => stateOf(key, now) === "valid" && <RevokeKey apiKey={key} onRevoke={onRevoke} />,
  },
];
