import { CombinedError } from "@urql/core";
import { authorization, readApiKey } from "../../apiKey";
import { type Failure, failureOf } from "../../shared/failure";
import { type ImportReport, reportOf } from "./report";

export type UploadResult =
  | { kind: "done"; report: ImportReport }
  /** With the report of the part that was read before the failure. */
  | { kind: "failed"; failure: Failure; report?: ImportReport }
  | { kind: "cancelled" };

/**
 * Sends a file to `url`. `onProgress` is called with the share that is sent, 0 to 1. By XMLHttpRequest, since `fetch` has
 * no progress of uploads.
 */
export function upload(
  url: string,
  file: Blob,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<UploadResult> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const end = (result: UploadResult) => {
      signal.removeEventListener("abort", abort);
      resolve(result);
    };
    signal.addEventListener("abort", abort);
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      onProgress(total === 0 ? 1 : loaded / total);
    });
    request.addEventListener("load", () => end(resultOf(request)));
    request.addEventListener("error", () => end({ kind: "failed", failure: { kind: "unreachable" } }));
    request.addEventListener("abort", () => end({ kind: "cancelled" }));
    request.open("POST", url);
    const headers = authorization(readApiKey());
    if (headers.authorization !== undefined) {
      request.setRequestHeader("authorization", headers.authorization);
    }
    request.setRequestHeader("content-type", "text/csv");
    request.send(file);
  });
}

function resultOf(request: XMLHttpRequest): UploadResult {
  const body = parse(request.responseText);
  const report = reportOf(body);
  if (request.status === 200 && report) {
    return { kind: "done", report };
  }
  const failure = failureOf(errorOf(request, body), readApiKey() !== "");
  return { kind: "failed", failure, ...(report ? { report } : {}) };
}

/** The error of a route that is not GraphQL, in the form of GraphQL errors. */
function errorOf(request: XMLHttpRequest, body: unknown): CombinedError {
  const headers = new Headers();
  for (const name of ["retry-after", "x-request-id"]) {
    const value = request.getResponseHeader(name);
    if (value !== null) {
      headers.set(name, value);
    }
  }
  const { code, detail } = firstError(body);
  return new CombinedError({
    graphQLErrors: [
      {
        message: detail ?? `the server answered ${request.status}`,
        ...(code === undefined ? {} : { extensions: { code } }),
      },
    ],
    response: new Response(null, { status: request.status, headers }),
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function firstError(body: unknown): { code?: string; detail?: string } {
  const errors = (body as { errors?: unknown } | undefined)?.errors;
  return (Array.isArray(errors) ? (errors[0] as { code?: string; detail?: string }) : undefined) ?? {};
}
