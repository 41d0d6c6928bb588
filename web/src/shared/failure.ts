import type { CombinedError } from "@urql/core";

/** Why a request has no result, as the pages distinguish it. */
export type Failure =
  /** No answer: the gateway is restarting, or the network is down. */
  | { kind: "unreachable" }
  /** 401 or 403: `key` is whether the request had an API key, `isForbidden` whether the key is valid but lacks the role. */
  | { kind: "unauthorized"; key: boolean; isForbidden: boolean; message: string }
  /** 429 or 503: `retryAfter` is the wait in seconds. */
  | { kind: "busy"; retryAfter: number; message: string }
  /** 504: the request reads too much. */
  | { kind: "timeout"; message: string }
  /** The request is refused. `argument` is the argument at fault, `suggestedValue` one that would be accepted. */
  | { kind: "invalid"; message: string; argument?: string | undefined; suggestedValue?: unknown }
  | { kind: "internal"; message: string; requestId: string | undefined };

/** Wait of a busy gateway that names none, in seconds. */
const DEFAULT_RETRY_AFTER = 2;

/** The failure of a request. `hasKey` is whether the request had an API key. */
export function failureOf(error: CombinedError, hasKey: boolean): Failure {
  const response = error.response as Response | undefined;
  const first = error.graphQLErrors[0];
  const code = first?.extensions["code"];
  const message = first?.message ?? error.networkError?.message ?? error.message;
  switch (code ?? response?.status) {
    case undefined:
    case 502:
      return { kind: "unreachable" };
    case "UNAUTHENTICATED":
    case "FORBIDDEN":
    case 401:
    case 403:
      return {
        kind: "unauthorized",
        key: hasKey,
        isForbidden: code === "FORBIDDEN" || (code === undefined && response?.status === 403),
        message,
      };
    case "RATE_LIMITED":
    case "TOO_MANY_OPERATIONS":
    case "UNAVAILABLE":
    case 429:
    case 503:
      return { kind: "busy", retryAfter: retryAfterOf(response?.headers), message };
    case "TIMEOUT":
    case 504:
      return { kind: "timeout", message };
    case "INTERNAL":
    case 500:
      return {
        kind: "internal",
        message,
        requestId: response?.headers.get("x-request-id") ?? undefined,
      };
    default: {
      const argument = first?.extensions["argument"];
      return {
        kind: "invalid",
        message,
        argument: typeof argument === "string" ? argument : undefined,
        suggestedValue: first?.extensions["suggestedValue"],
      };
    }
  }
}

/** `Retry-After` of a response in seconds, 1 to 3600. */
export function retryAfterOf(headers: Headers | undefined): number {
  const seconds = Number(headers?.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1), 3600) : DEFAULT_RETRY_AFTER;
}

/** A failure as a heading and a sentence that says what to do. */
export function describeFailure(failure: Failure): { title: string; detail: string } {
  switch (failure.kind) {
    case "unreachable":
      return {
        title: "The gateway cannot be reached",
        detail: "Check that it is running and that this device is on its network.",
      };
    case "unauthorized":
      return failure.key
        ? {
            title: "The API key is not accepted",
            detail: `It is unknown, expired or revoked, or lacks the permission: ${failure.message}.`,
          }
        : { title: "An API key is needed", detail: "This gateway does not allow reading without a key." };
    case "busy":
      return {
        title: "The gateway is busy",
        detail: `It accepts the next request in about ${failure.retryAfter} s.`,
      };
    case "timeout":
      return {
        title: "The answer takes too long",
        detail: "Choose a shorter time range or a smaller area.",
      };
    case "invalid":
      return { title: "The gateway refused the request", detail: failure.message };
    case "internal":
      return {
        title: "The gateway failed",
        detail: failure.requestId
          ? `Its log has the cause under the request id ${failure.requestId}.`
          : failure.message,
      };
  }
}
