import { ConnectionBanner } from "../shared/ConnectionBanner";
import { BrokenPart } from "../shared/BrokenPart";
import { ErrorBoundary } from "../shared/ErrorBoundary";
import { DeviceList } from "./devices/DeviceList";
import { DevicePage } from "./devices/DevicePage";
import { RegisterDevice } from "./devices/RegisterDevice";
import { ImportPage } from "./import/ImportPage";
import { CreateKey } from "./keys/CreateKey";
import { KeyList } from "./keys/KeyList";
import { LoadPage } from "./load/LoadPage";
import type { Route } from "./route";
import { Navigation } from "./shell/Navigation";
import { Session } from "./shell/Session";
import { useRoute } from "./shell/useRoute";
import { UplinkList } from "./uplinks/UplinkList";
import { UplinkPage } from "./uplinks/UplinkPage";

export function App() {
  const { route, visit } = useRoute();
  return (
    <div className="admin">
      <ConnectionBanner />
      <Session>
        <Navigation route={route} />
        <main className="page">
          <ErrorBoundary key={visit} fallback={(error) => <BrokenPart error={error} />}>
            <Page route={route} />
          </ErrorBoundary>
        </main>
      </Session>
    </div>
  );
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "devices":
      return <DeviceList text={route.text} />;
    case "device":
      return <DevicePage deviceKey={route.key} />;
    case "register":
      return <RegisterDevice />;
    case "keys":
      return <KeyList text={route.text} />;
    case "createKey":
      return <CreateKey device={route.device} />;
    case "uplinks":
      return <UplinkList outcome={route.outcome} device={route.device} />;
    case "uplink":
      return <UplinkPage id={route.id} />;
    case "import":
      return <ImportPage />;
    case "load":
      return <LoadPage />;
  }
}
