import { useState } from "react";
import { AdminUplinkDocument, type AdminUplinkQuery } from "../../graphql/generated/admin";
import { Button } from "../../shared/Button";
import { ShowQuery } from "../../shared/ShowQuery";
import { Message } from "../../shared/Status";
import { useRequest } from "../data/useRequest";
import { hrefOf } from "../route";
import { PageHeading } from "../shell/PageHeading";
import { Time } from "../ui/Age";
import { formatBytes } from "../ui/bytes";
import { CopyButton } from "../ui/CopyButton";
import { Fact } from "../ui/Fact";
import { Loaded } from "../ui/Loaded";
import { hexDump, prettyJson } from "./body";
import { OutcomeTag } from "./OutcomeTag";
import { ReplayOne } from "./ReplayOne";

type Node = AdminUplinkQuery["node"];
export type Uplink = Extract<NonNullable<Node>, { receivedAt: string }>;

/** The object of a global id, if it is an uplink. */
function uplinkOf(node: Node): Uplink | undefined {
  return node && "receivedAt" in node ? (node as Uplink) : undefined;
}

export function UplinkPage({ id }: { id: string }) {
  const request = useRequest(AdminUplinkDocument, { id });
  return (
    <>
      <PageHeading title="Uplink">
        <ShowQuery document={AdminUplinkDocument} variables={{ id }} />
      </PageHeading>
      <p className="back">
        <a href={hrefOf({ page: "uplinks" })}>All uplinks</a>
      </p>
      <Loaded request={request} lines={10}>
        {({ node }) => {
          const uplink = uplinkOf(node);
          return uplink ? (
            <>
              <Facts uplink={uplink} />
              <ReplayOne uplink={uplink} onReplay={request.reload} />
              <Body uplink={uplink} />
            </>
          ) : (
            <Message title="There is no such uplink">
              <p>Uplinks are deleted after some time, and with their device.</p>
            </Message>
          );
        }}
      </Loaded>
    </>
  );
}

function Facts({ uplink }: { uplink: Uplink }) {
  const { receivedAt, format, event, frameCounter, device, named, apiKey, bytes, cutFrom } = uplink;
  return (
    <section className="facts" aria-label="Facts">
      <dl>
        <Fact label="Outcome" className="wide">
          <OutcomeTag uplink={uplink} />
        </Fact>
        <Fact label="Received">
          <Time time={receivedAt} />
        </Fact>
        <Fact label="Format">
          {format}
          {event != null && ` (${event})`}
        </Fact>
        <Fact label="Device">
          {device ? (
            <a href={hrefOf({ page: "device", key: device.key })}>{device.key}</a>
          ) : named != null ? (
            `named ${named}`
          ) : (
            "not known"
          )}
        </Fact>
        <Fact label="Key">{apiKey ? `${apiKey.name} (${apiKey.role.toLowerCase()})` : "none"}</Fact>
        <Fact label="Size">
          {formatBytes(bytes)}
          {cutFrom != null && `, the beginning of ${formatBytes(cutFrom)}`}
        </Fact>
        {frameCounter != null && <Fact label="Frame counter">{frameCounter}</Fact>}
      </dl>
    </section>
  );
}

function Body({ uplink }: { uplink: Uplink }) {
  const { text, base64, bytes } = uplink;
  const pretty = text == null ? undefined : prettyJson(text);
  const [isRaw, setRaw] = useState(false);
  const shown = text == null ? hexDump(base64) : isRaw ? text : (pretty ?? text);
  return (
    <section className="section" aria-labelledby="uplink-body">
      <div className="section-heading">
        <h2 id="uplink-body">Body</h2>
        {bytes > 0 && (
          <div className="actions">
            {pretty !== undefined && (
              <Button aria-pressed={isRaw} onClick={() => setRaw(!isRaw)}>
                As received
              </Button>
            )}
            <CopyButton text={text ?? base64} label={text == null ? "the body in Base64" : "the body"} />
          </div>
        )}
      </div>
      {bytes === 0 ? (
        <p className="muted">Nothing of the body is stored.</p>
      ) : (
        <pre className="code body" tabIndex={0} aria-label="Content of the body">
          {shown}
        </pre>
      )}
    </section>
  );
}
