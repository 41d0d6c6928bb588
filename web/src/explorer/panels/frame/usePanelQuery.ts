import { useMemo } from "react";
import { type TypedDocumentNode, useQuery } from "urql";
import { useApiKey } from "../../../shared/apiKeyStore";
import { type Failure, failureOf } from "../../../shared/failure";

export interface PanelQuery<Data> {
  /** The latest data; while a new request runs, that of the previous one. */
  data: Data | undefined;
  failure: Failure | undefined;
  loading: boolean;
  retry: () => void;
  document: TypedDocumentNode<never, never>;
  variables: object;
}

/** A request of a panel. A change of the variables cancels the request that is running. */
export function usePanelQuery<Data, Variables extends object>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  pause = false,
): PanelQuery<Data> {
  const hasKey = useApiKey() !== "";
  const text = JSON.stringify(variables);
  const stable = useMemo(() => variables, [text]);
  const [{ data, error, fetching }, execute] = useQuery<Data, Variables>({
    query: document,
    variables: stable,
    pause,
    requestPolicy: "network-only",
  });
  return {
    data,
    failure: error && failureOf(error, hasKey),
    loading: fetching || pause,
    retry: () => execute({ requestPolicy: "network-only" }),
    document: document as unknown as TypedDocumentNode<never, never>,
    variables: stable,
  };
}
