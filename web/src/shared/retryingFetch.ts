import { onRetryNow, reportConnection } from "./connection";
import { type Failure, retryAfterOf } from "./failure";

/** Waits between attempts without an answer, in seconds. After the last one the request fails: about five minutes. */
const RETRY_DELAYS = [0.5, 1, 2, 4, 8, 15, 15, 15, 30, 30, 30, 30, 30, 30, 30, 30];
/** Attempts of a request that the gateway answers with 429 or 503. */
const MAX_BUSY_ATTEMPTS = 8;

type Fetch = typeof fetch;

/**
 * A `fetch` that repeats requests until the gateway answers: after a lost connection with growing waits, after 429 and 503
 * with the wait of `Retry-After`. Reports the connection meanwhile. A mutation is repeated only after 429.
 *
 * Aborting the request ends the wait.
 */
export function createRetryingFetch(send: Fetch, delay = abortableDelay): Fetch {
  return async (input, init) => {
    const signal = init?.signal ?? undefined;
    const repeatable = !isMutation(init?.body);
    for (let attempt = 0; ; attempt++) {
      let failure: Failure;
      let wait: number;
      try {
        const response = await send(input, init);
        const busy = response.status === 429 || (response.status === 503 && repeatable);
        const away = response.status === 502 && repeatable;
        if (!(busy && attempt + 1 < MAX_BUSY_ATTEMPTS) && !(away && attempt < RETRY_DELAYS.length)) {
          reportConnection({ status: "online" });
          return response;
        }
        await response.body?.cancel();
        wait = busy ? retryAfterOf(response.headers) : (RETRY_DELAYS[attempt] ?? 0);
        failure = busy ? { kind: "busy", retryAfter: wait, message: "" } : { kind: "unreachable" };
      } catch (error) {
        const delayed = RETRY_DELAYS[attempt];
        if (signal?.aborted || !repeatable || delayed === undefined) {
          throw error;
        }
        failure = { kind: "unreachable" };
        wait = delayed;
      }
      reportConnection({ status: "waiting", failure, retryAt: Date.now() + wait * 1000 });
      await delay(wait * 1000, signal);
    }
  };
}

function isMutation(body: BodyInit | null | undefined): boolean {
  return typeof body === "string" && /"query":"\s*mutation\b/.test(body);
}

/** Resolves after `milliseconds` or at `retryNow`, and rejects when `signal` is aborted. */
function abortableDelay(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const clean = () => {
      clearTimeout(timer);
      forget();
      signal?.removeEventListener("abort", abort);
    };
    const end = () => {
      clean();
      resolve();
    };
    const abort = () => {
      clean();
      reject(signal?.reason);
    };
    const timer = setTimeout(end, milliseconds);
    const forget = onRetryNow(end);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
