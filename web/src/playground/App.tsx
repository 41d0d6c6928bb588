import { GraphiQL } from "graphiql";
import { useMemo, useState } from "react";
import { readApiKey } from "../apiKey";
import { endpointFor } from "../endpoint";
import { exampleTabs } from "./examples";
import { createFetcher } from "./fetcher";
import { KeyField } from "./KeyField";

const endpoint = endpointFor(location.href);

export function App() {
  const [settledKey, setSettledKey] = useState(readApiKey);
  // A new fetcher makes GraphiQL load the schema again, since a key may allow it.
  const fetcher = useMemo(() => createFetcher(endpoint, readApiKey), [settledKey]);

  return (
    <>
      <header className="bar">
        <h1>airgraph</h1>
        <KeyField onSettled={setSettledKey} />
      </header>
      <main>
        {/* Headers are neither shown nor kept: the key has its own field. */}
        <GraphiQL
          fetcher={fetcher}
          defaultTabs={exampleTabs}
          isHeadersEditorEnabled={false}
          shouldPersistHeaders={false}
        >
          <GraphiQL.Logo>
            <span className="logo">GraphiQL</span>
          </GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}
