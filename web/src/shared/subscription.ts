import { stringifyDocument, type TypedDocumentNode } from "@urql/core";
import type { FormattedExecutionResult } from "graphql";
import { createClient } from "graphql-ws";
import { authorization } from "../apiKey";
import type { Endpoint } from "../endpoint";

export interface SubscriptionSink<Data> {
  onData(data: Data): void;
  /** The socket is open (`live`), or lost and being opened again. */
  onState(state: "live" | "reconnecting"): void;
  /** The subscription has ended. With `expired`, its position is too old: query again, then subscribe anew. */
  onEnd(reason: { expired: boolean; message: string }): void;
}

/** Wait before a socket is opened again, in milliseconds; it grows with the attempts. */
const RETRY_DELAY = 500;
const MAX_RETRY_DELAY = 15_000;

/** Close code for an invalid or revoked key. */
const INVALID_KEY = 4403;

/**
 * Subscribes from the position `after`. After a lost connection the subscription continues behind the last result, so
 * no event is lost or repeated: see docs/resume.md.
 *
 * @returns ends the subscription
 */
export function subscribe<Data, Variables extends Record<string, unknown>>(
  endpoint: Endpoint,
  key: string,
  request: { document: TypedDocumentNode<Data, Variables>; variables: Variables; after: string | null },
  sink: SubscriptionSink<Data>,
): () => void {
  const client = createClient({
    url: endpoint.ws,
    connectionParams: { ...authorization(key) },
    retryAttempts: Number.POSITIVE_INFINITY, // ends with the subscription
    shouldRetry: (event) => (event as { code?: number }).code !== INVALID_KEY,
    retryWait: (attempt) =>
      new Promise((resolve) => {
        setTimeout(resolve, Math.min(RETRY_DELAY * 2 ** attempt, MAX_RETRY_DELAY));
      }),
    on: {
      connected: () => sink.onState("live"),
      closed: () => sink.onState("reconnecting"),
    },
  });
  // Serialised again by graphql-ws at each connection.
  const resume = { after: request.after };
  let ended = false;
  const unsubscribe = client.subscribe<Data>(
    {
      query: stringifyDocument(request.document),
      variables: request.variables,
      extensions: { resume },
    },
    {
      next(result) {
        const { cursor } = (result.extensions ?? {}) as { cursor?: unknown };
        if (typeof cursor === "string") {
          resume.after = cursor;
        }
        const { data } = result as FormattedExecutionResult<Data>;
        if (data != null && !ended) {
          sink.onData(data);
        }
      },
      error: (error) => !ended && sink.onEnd(endOf(error)),
      complete: () => !ended && sink.onEnd({ expired: false, message: "the gateway ended the subscription" }),
    },
  );
  return () => {
    ended = true;
    unsubscribe();
    void client.dispose();
  };
}

function endOf(error: unknown): { expired: boolean; message: string } {
  const first: unknown = Array.isArray(error) ? error[0] : error;
  const { message, reason, extensions } = (first ?? {}) as {
    message?: string;
    /** Of a close event. */
    reason?: string;
    extensions?: { code?: string };
  };
  return { expired: extensions?.code === "CURSOR_EXPIRED", message: message ?? reason ?? "the subscription failed" };
}
