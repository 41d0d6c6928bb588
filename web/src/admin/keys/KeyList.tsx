import { useEffect, useState } from "react";
import { type AdminApiKeyFragment, AdminApiKeysDocument } from "../../graphql/generated/admin";
import { ShowQuery } from "../../shared/ShowQuery";
import { Message } from "../../shared/Status";
import { useDebounced } from "../data/useDebounced";
import { useNow } from "../../explorer/useNow";
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
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Role</th>
          <th scope="col">Device</th>
          <th scope="col">Created</th>
          <th scope="col">Last used</th>
          <th scope="col">Expires</th>
          <th scope="col">State</th>
          <th scope="col">
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => {
          const state = stateOf(key, now);
          return (
            <tr key={key.id}>
              <th scope="row">{key.name}</th>
              <td data-label="Role">{ROLES[key.role].label}</td>
              <td data-label="Device">
                {key.deviceKey == null ? (
                  <span className="muted">{key.role === "SENSOR" ? "any" : "–"}</span>
                ) : (
                  <a href={hrefOf({ page: "device", key: key.deviceKey })}>{key.deviceKey}</a>
                )}
              </td>
              <td data-label="Created">
                <Time time={key.createdAt} />
                {key.createdBy && <span className="muted"> by {key.createdBy.name}</span>}
              </td>
              <td data-label="Last used">
                <Age time={key.lastUsedAt} />
              </td>
              <td data-label="Expires">
                {key.expiresAt ? <Time time={key.expiresAt} /> : <span className="muted">never</span>}
              </td>
              <td data-label="State">
                <span className={`tag tag-${state}`}>{state}</span>
              </td>
              <td className="row-actions">
                {state === "valid" && <RevokeKey apiKey={key} onRevoke={onRevoke} />}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
