import { retryNow, useConnection } from "./connection";
import { Button } from "./Button";
import { describeFailure } from "./failure";
import { useNow } from "./useNow";
import "./banner.css";

/** Shown while requests are repeated: why, and when the next one is. */
export function ConnectionBanner() {
  const connection = useConnection();
  const now = useNow(1000, connection.status === "waiting");
  if (connection.status === "online") {
    return null;
  }
  const seconds = Math.max(0, Math.ceil((connection.retryAt - now) / 1000));
  const { title } = describeFailure(connection.failure);
  return (
    <div className="banner" data-kind={connection.failure.kind}>
      <p role="status">{title}.</p>
      <p aria-hidden="true" className="banner-wait">
        {seconds === 0 ? "Trying again…" : `Trying again in ${seconds} s`}
      </p>
      <Button onClick={retryNow}>Try now</Button>
    </div>
  );
}
