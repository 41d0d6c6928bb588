import "./workers"; // before anything that loads Monaco
import { createRoot } from "react-dom/client";
// Not `graphiql/style.css`: it repeats Monaco's styles and embeds 400 kB of fonts.
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./playground.css";
import { App } from "./App";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(<App />);
}
