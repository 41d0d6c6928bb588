import { createRoot } from "react-dom/client";
import "../shared/theme.css";
import "../shared/components.css";
import "./admin.css";
import { GatewayProvider } from "../shared/GatewayProvider";
import { LiveRegion } from "../shared/LiveRegion";
import { App } from "./App";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <GatewayProvider>
      <App />
      <LiveRegion />
    </GatewayProvider>,
  );
}
