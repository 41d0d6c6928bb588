import { AdminLoadDocument, type AdminLoadQuery } from "../../graphql/generated/admin";
import { formatCount, formatDuration, formatTime } from "../../shared/format";
import { ShowQuery } from "../../shared/ShowQuery";
import { type TableColumn, TableRows } from "../../shared/TableRows";
import { useNow } from "../../shared/useNow";
import { type RequestState, useRequest } from "../data/useRequest";
import { PageHeading } from "../shell/PageHeading";
import { formatBytes } from "../ui/bytes";
import { Fact } from "../ui/Fact";
import { Loaded } from "../ui/Loaded";
import { Meter } from "./Meter";
import "./load.css";

/** Time between an answer and the next request. */
const REFRESH_INTERVAL = 3000; // ms

type Server = AdminLoadQuery["server"];

export function LoadPage() {
  const request = useRequest(AdminLoadDocument, {}, { interval: REFRESH_INTERVAL });
  return (
    <>
      <PageHeading title="Load">
        <Refreshed request={request} />
        <ShowQuery document={AdminLoadDocument} variables={{}} />
      </PageHeading>
      <Loaded request={request} lines={12}>
        {({ server }) => (
          <div className="panels">
            <Pools server={server} />
            <Queues server={server} />
            <Replicas server={server} />
            <Gateway server={server} receivedAt={request.receivedAt} />
            <Tables server={server} />
          </div>
        )}
      </Loaded>
    </>
  );
}

function Refreshed({ request: { receivedAt } }: { request: RequestState<unknown> }) {
  const now = useNow(1000);
  const age = receivedAt === undefined ? undefined : Math.round((now - receivedAt) / 1000);
  return (
    <span className={age !== undefined && age > 10 ? "hint stale" : "hint"}>
      {age === undefined ? "" : age < 2 ? "up to date" : `${age} s old`}
    </span>
  );
}

function Pools({ server }: { server: Server }) {
  return (
    <section className="panel" aria-labelledby="pools">
      <h2 id="pools">Database connections</h2>
      <p className="hint">In use, of the maximum of each pool. A pool that stays full makes requests wait.</p>
      <ul className="plain-list meters">
        {server.load.pools.map(({ name, size, idle, max }) => (
          <li key={name}>
            <Meter label={name} value={size - idle} max={max} detail={`${size - idle} of ${max}, ${idle} idle`} />
          </li>
        ))}
      </ul>
    </section>
  );
}

const QUEUE_COLUMNS: readonly TableColumn<Server["load"]["queues"][number]>[] = [
  { header: "Queue", cell: ({ name }) => name },
  { header: "Submissions", numeric: true, cell: ({ submissions }) => formatCount(submissions) },
  { header: "Samples", numeric: true, cell: ({ samples }) => formatCount(samples) },
  { header: "Memory", numeric: true, cell: ({ bytes }) => formatBytes(bytes) },
];

function Queues({ server }: { server: Server }) {
  return (
    <section className="panel" aria-labelledby="queues">
      <h2 id="queues">Recorder queues</h2>
      <p className="hint">Samples that wait to be stored, or are being stored.</p>
      <table className="list">
        <TableRows columns={QUEUE_COLUMNS} rows={server.load.queues} rowKey={({ name }) => name} />
      </table>
    </section>
  );
}

const REPLICA_COLUMNS: readonly TableColumn<Server["load"]["replicas"][number]>[] = [
  { header: "Server", cell: ({ name }) => name },
  { header: "Lag", numeric: true, cell: ({ lag }) => (lag == null ? "not known" : formatBytes(lag)) },
  {
    header: "State",
    cell: ({ inRotation }) => (
      <span className={`tag tag-${inRotation ? "valid" : "failed"}`}>{inRotation ? "in rotation" : "out of rotation"}</span>
    ),
  },
];

function Replicas({ server }: { server: Server }) {
  const { replicas } = server.load;
  return (
    <section className="panel" aria-labelledby="replicas">
      <h2 id="replicas">Read replicas</h2>
      {replicas.length === 0 ? (
        <p className="hint">
          None: every query reads the primary. <code>DATABASE_REPLICA_URLS</code> names replicas.
        </p>
      ) : (
        <table className="list">
          <TableRows columns={REPLICA_COLUMNS} rows={replicas} rowKey={({ name }) => name} />
        </table>
      )}
    </section>
  );
}

function Gateway({ server, receivedAt = Date.now() }: { server: Server; receivedAt: number | undefined }) {
  const { version, time, database } = server;
  const skew = Math.abs(receivedAt - Date.parse(time)) / 1000;
  return (
    <section className="panel" aria-labelledby="gateway">
      <h2 id="gateway">Gateway</h2>
      <dl className="properties">
        <Fact label="Version">{version}</Fact>
        <Fact label="Clock">
          {formatTime(time, receivedAt)}
          {skew > 60 && <span className="stale"> – this browser is {formatDuration(skew)} apart</span>}
        </Fact>
        <Fact label="Database">
          {database.name} at {database.host}:{database.port}, as {database.user}
        </Fact>
        <Fact label="Postgres">{database.version}</Fact>
      </dl>
    </section>
  );
}

function Tables({ server }: { server: Server }) {
  const tables = server.tables
    .filter(({ rowEstimate }) => rowEstimate > 0)
    .toSorted((one, other) => other.rowEstimate - one.rowEstimate);
  return (
    <section className="panel" aria-labelledby="tables">
      <h2 id="tables">Tables</h2>
      <p className="hint">Rows, as Postgres last estimated them. Tables without an estimate are left out.</p>
      <dl className="properties">
        {tables.map(({ name, rowEstimate }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="number">{formatCount(rowEstimate)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
