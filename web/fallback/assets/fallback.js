"use strict";

// The same keeping place as the built page's: this tab, and no longer.
const STORAGE_KEY = "airgraph.apiKey";

const field = document.getElementById("api-key");
field.value = sessionStorage.getItem(STORAGE_KEY) ?? "";
field.addEventListener("input", () => sessionStorage.setItem(STORAGE_KEY, field.value.trim()));

async function fetcher(params) {
  const key = field.value.trim();
  try {
    const response = await fetch(new URL("graphql", location.href), {
      method: "POST",
      headers: {
        accept: "application/graphql-response+json, application/json;q=0.9",
        "content-type": "application/json",
        ...(key && { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(params),
    });
    return await response.json();
  } catch {
    return { errors: [{ message: "airgraph could not be reached, or did not answer in JSON." }] };
  }
}

const place = document.getElementById("graphiql");
if (globalThis.GraphiQL) {
  ReactDOM.createRoot(place).render(
    React.createElement(GraphiQL, {
      fetcher,
      isHeadersEditorEnabled: false,
      shouldPersistHeaders: false,
      defaultTabs: [{ query: "{\n  devices(first: 10) {\n    nodes {\n      key\n      name\n    }\n  }\n}\n" }],
    }),
  );
} else {
  place.textContent =
    "GraphiQL could not be loaded from unpkg.com. Connect to the internet, or build airgraph with Node.js.";
}
