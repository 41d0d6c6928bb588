import { GraphiQL } from "graphiql";
import { useMemo, useState } from "react";
import { readApiKey } from "../apiKey";
import { endpointFor } from "../endpoint";
import icon from "../icon.svg";
import type { Tab } from "./examples";
import { createFetcher } from "./fetcher";
import { KeyField } from "./KeyField";
import { type Opening, useOpening } from "./opening";

const endpoint = endpointFor(location.href);

export function App() {
  const [settledKey, setSettledKey] = useState(readApiKey);
  // A new fetcher makes GraphiQL load the schema again, since a key may allow it.
  const fetcher = useMemo(() => createFetcher(endpoint, readApiKey), [settledKey]);
  const opening = useOpening(endpoint.http);

  return (
    <>
      <header className="bar">
        <h1 className="brand">
          <img src={icon} alt="" width="26" height="26" /> airgraph <span>playground</span>
        </h1>
        <nav aria-label="Pages">
          <a href="./">Map</a>
          <a href="playground" aria-current="page">
            Playground
          </a>
          <a href="admin">Admin</a>
        </nav>
        <KeyField onSettled={setSettledKey} />
      </header>
      <main>
        {opening?.isInvalid && (
          <p className="notice" role="alert">
            The link has no request that can be read.
          </p>
        )}
        {/* Headers are neither shown nor kept: the key has its own field. */}
        {opening && (
          <GraphiQL
            key={openingKey(opening)}
            fetcher={fetcher}
            defaultTabs={opening.tabs}
            {...(opening.request && initialTab(opening.request))}
            defaultEditorToolsVisibility={hasRoomForVariables() ? "variables" : false}
            isHeadersEditorEnabled={false}
            shouldPersistHeaders={false}
          >
            <GraphiQL.Logo>
              <span className="logo">GraphiQL</span>
            </GraphiQL.Logo>
          </GraphiQL>
        )}
      </main>
    </>
  );
}

/** Phones show the variables when they are opened. */
function hasRoomForVariables(): boolean {
  return matchMedia("(min-width: 721px)").matches;
}

function initialTab({ query, variables = "" }: Tab) {
  return { initialQuery: query, initialVariables: variables };
}

/** GraphiQL reads its first request only when it is mounted: another request mounts it anew. */
function openingKey({ request }: Opening): string {
  return request ? `${request.query}\n${request.variables ?? ""}` : "";
}
