import type { AnyVariables, TypedDocumentNode } from "@urql/core";
import { useCallback, useState } from "react";
import { useClient } from "urql";
import { readApiKey } from "../../apiKey";
import { type Failure, failureOf } from "../../shared/failure";
import { useReportFailure } from "../shell/session";

export interface Mutation<Data, Variables> {
  /** Sends the mutation; undefined after a failure, which is then in `failure`. */
  run: (variables: Variables) => Promise<Data | undefined>;
  isRunning: boolean;
  failure: Failure | undefined;
}

/** A mutation that components send on an action of the user. */
export function useMutation<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
): Mutation<Data, Variables> {
  const client = useClient();
  const reportFailure = useReportFailure();
  const [isRunning, setRunning] = useState(false);
  const [failure, setFailure] = useState<Failure>();

  const run = useCallback(
    async (variables: Variables) => {
      setRunning(true);
      setFailure(undefined);
      const { data, error } = await client.mutation(document, variables).toPromise();
      const reason = error ? failureOf(error, readApiKey() !== "") : undefined;
      reportFailure(reason);
      setFailure(reason);
      setRunning(false);
      return reason ? undefined : data;
    },
    [client, document, reportFailure],
  );
  return { run, isRunning, failure };
}
