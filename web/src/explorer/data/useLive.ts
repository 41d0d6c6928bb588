import { useEffect, useRef, useState } from "react";
import {
  LiveDocument,
  type LiveSubscription,
  type LiveSubscriptionVariables,
} from "../../graphql/generated/explorer";
import { endpoint } from "../../shared/GatewayProvider";
import { subscribe } from "../../shared/subscription";

export type LiveState = "off" | "connecting" | "live" | "reconnecting" | "failed";
export type LiveMeasurement = LiveSubscription["measurementRecorded"]["measurement"];

/** Events are collected for this long before the page renders them, in milliseconds. */
const BATCH_INTERVAL = 250;
/** Measurements that are kept until an answer of the map's request has them. */
const MAX_MEASUREMENTS = 1000;

/**
 * Receives measurements of an area from the position `after` on, and continues without a gap after a lost connection.
 * With `variables` null it is off. When the position is too old, `onExpired` is called and the subscription begins again
 * at the next `after`.
 */
export function useLive(
  variables: LiveSubscriptionVariables | null,
  after: string | null,
  key: string,
  onExpired: () => void,
): { state: LiveState; measurements: readonly LiveMeasurement[] } {
  const [state, setState] = useState<LiveState>("off");
  const [measurements, setMeasurements] = useState<readonly LiveMeasurement[]>([]);
  const [expired, setExpired] = useState<string | null>(null);
  const latest = useRef({ variables, after, onExpired });
  latest.current = { variables, after, onExpired };
  const usable = after !== null && after !== expired;
  const request = variables && usable ? JSON.stringify(variables) : null;

  useEffect(() => {
    const { variables: wanted, after: position } = latest.current;
    if (request === null || wanted === null) {
      setState(wanted === null ? "off" : "connecting");
      return undefined;
    }
    setState("connecting");
    let collected: LiveMeasurement[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      const batch = collected;
      collected = [];
      setMeasurements((earlier) => [...earlier, ...batch].slice(-MAX_MEASUREMENTS));
    };
    const end = subscribe(
      endpoint,
      key,
      { document: LiveDocument, variables: wanted, after: position },
      {
        onData: ({ measurementRecorded }) => {
          collected.push(measurementRecorded.measurement);
          timer ??= setTimeout(flush, BATCH_INTERVAL);
        },
        onState: setState,
        onEnd: (reason) => {
          if (reason.expired) {
            setExpired(position);
            latest.current.onExpired();
          } else {
            setState("failed");
          }
        },
      },
    );
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [request, key]);

  return { state, measurements };
}
