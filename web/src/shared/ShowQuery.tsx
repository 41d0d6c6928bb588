import type { DocumentNode } from "graphql";
import { useState } from "react";
import { useApiKey } from "./apiKeyStore";
import { Button } from "./Button";
import { copyText } from "./copy";
import { Dialog } from "./Dialog";
import { endpoint } from "./GatewayProvider";
import { useSettings } from "./settings";
import { curlCommand, playgroundLink, type RequestText, requestText } from "./playgroundLink";

/** A button that shows the GraphQL request behind a part of the page. */
export function ShowQuery({
  document,
  variables,
  label = "Show query",
}: {
  document: DocumentNode;
  variables: object;
  /** Accessible name where a page has several: "Show query of the daily profile". */
  label?: string;
}) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button look="quiet" className="show-query" aria-label={label} onClick={() => setOpen(true)}>
        <span aria-hidden="true" className="show-query-icon">
          {"{ }"}
        </span>{" "}
        Show query
      </Button>
      {open && (
        <QueryDialog request={requestText(document, variables)} onClose={() => setOpen(false)} />
      )}
    </>
  );
}

function QueryDialog({ request, onClose }: { request: RequestText; onClose: () => void }) {
  const hasKey = useApiKey() !== "";
  const { playground } = useSettings();
  const [note, setNote] = useState("");
  const copy = async (text: string, what: string) => {
    setNote((await copyText(text)) ? `${what} copied` : "Copying is not allowed by this browser");
  };
  return (
    <Dialog title="GraphQL request" onClose={onClose}>
      <div className="query-actions">
        {/* `opener`: the new tab then has the API key of this one. */}
        {playground && (
          <a
            className="button button-primary"
            href={playgroundLink(request, location.href)}
            target="_blank"
            rel="opener"
          >
            Open in the playground
          </a>
        )}
        <Button onClick={() => void copy(curlCommand(request, endpoint.http, hasKey), "curl command")}>
          Copy as curl
        </Button>
        <Button onClick={() => void copy(request.query, "Query")}>Copy query</Button>
        <Button onClick={() => void copy(request.variables, "Variables")}>Copy variables</Button>
        <span role="status" className="query-note">
          {note}
        </span>
      </div>
      <h3>Query</h3>
      <pre className="code" tabIndex={0} aria-label="Query">
        {request.query}
      </pre>
      <h3>Variables</h3>
      <pre className="code" tabIndex={0} aria-label="Variables">
        {request.variables}
      </pre>
    </Dialog>
  );
}
