import { useRef, useState } from "react";
import { AdminReplayUplinksDocument, type UplinkFilter } from "../../graphql/generated/admin";
import { Button } from "../../shared/Button";
import { Dialog } from "../../shared/Dialog";
import { useMutation } from "../data/useMutation";
import { Failed } from "../ui/Failed";
import { addReplay, describeReplay, NOTHING_REPLAYED, type ReplayTotal } from "./replay";

/** Uplinks of one request: few enough that it ends within its timeout. */
const BATCH_SIZE = 200;

/** Decodes all uplinks of a filter again, in requests of some uplinks each. */
export function ReplayMatching({ filter, onReplay }: { filter: UplinkFilter; onReplay: () => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>Replay these…</Button>
      {isOpen && <ReplayDialog filter={filter} onClose={() => setOpen(false)} onReplay={onReplay} />}
    </>
  );
}

function ReplayDialog({
  filter,
  onClose,
  onReplay,
}: {
  filter: UplinkFilter;
  onClose: () => void;
  onReplay: () => void;
}) {
  const [total, setTotal] = useState<ReplayTotal>();
  const [running, setRunning] = useState<"dry run" | "replay">();
  const [done, setDone] = useState<"dry run" | "replay">();
  const isCancelled = useRef(false);
  const { run, failure } = useMutation(AdminReplayUplinksDocument);

  const replay = async (kind: "dry run" | "replay") => {
    isCancelled.current = false;
    setRunning(kind);
    setDone(undefined);
    let sum = NOTHING_REPLAYED;
    setTotal(sum);
    let after: string | null = null;
    for (;;) {
      const input = { dryRun: kind === "dry run", filter, limit: BATCH_SIZE, ...(after === null ? {} : { after }) };
      const data: Awaited<ReturnType<typeof run>> = await run({ input });
      if (!data) {
        break;
      }
      sum = addReplay(sum, data.replayUplinks);
      setTotal(sum);
      after = data.replayUplinks.after ?? null;
      if (!data.replayUplinks.hasMore || isCancelled.current) {
        setDone(kind);
        break;
      }
    }
    setRunning(undefined);
    if (kind === "replay") {
      onReplay();
    }
  };
  const close = () => {
    isCancelled.current = true;
    onClose();
  };

  return (
    <Dialog title="Replay uplinks" onClose={close}>
      <p>
        Decodes {describeFilter(filter)} again with the present decoders, oldest first, and stores their samples, each
        once. Use it after a sensor was registered or a decoder was corrected.
      </p>
      <p role="status">
        {total && (running ? `${describeReplay(total, running === "dry run")} Going on…` : describeReplay(total, done !== "replay"))}
      </p>
      <Failed failure={failure} />
      <div className="actions">
        {running ? (
          <Button onClick={() => (isCancelled.current = true)}>Stop</Button>
        ) : (
          <>
            <Button {...(done === "dry run" ? {} : { look: "primary" })} onClick={() => void replay("dry run")}>
              Dry run
            </Button>
            <Button
              {...(done === "dry run" ? { look: "primary" } : {})}
              disabled={done !== "dry run"}
              onClick={() => void replay("replay")}
            >
              Replay and store
            </Button>
            <Button look="quiet" onClick={close}>
              Close
            </Button>
          </>
        )}
      </div>
    </Dialog>
  );
}

function describeFilter({ outcome, devices }: UplinkFilter): string {
  const kind = outcome ? `all ${outcome.toLowerCase()} uplinks` : "all uplinks";
  return devices?.length ? `${kind} of ${devices.join(", ")}` : kind;
}
