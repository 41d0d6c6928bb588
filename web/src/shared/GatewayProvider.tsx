import { type ReactNode, useMemo } from "react";
import { Provider } from "urql";
import { endpointFor } from "../endpoint";
import { useApiKey } from "./apiKeyStore";
import { createGatewayClient } from "./client";

export const endpoint = endpointFor(location.href);

/** Provides urql's hooks with a client. A change of the API key makes a new client, so all queries run again. */
export function GatewayProvider({ children }: { children: ReactNode }) {
  const key = useApiKey();
  const client = useMemo(() => createGatewayClient(endpoint, key), [key]);
  return <Provider value={client}>{children}</Provider>;
}
