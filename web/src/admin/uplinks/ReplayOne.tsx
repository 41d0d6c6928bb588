import { useState } from "react";
import { AdminReplayUplinksDocument } from "../../graphql/generated/admin";
import { Button } from "../../shared/Button";
import { useMutation } from "../data/useMutation";
import { Failed } from "../ui/Failed";
import { addReplay, describeReplay, NOTHING_REPLAYED } from "./replay";
import type { Uplink } from "./UplinkPage";

/** Decodes one uplink again: first in a dry run, then stored. */
export function ReplayOne({ uplink, onReplay }: { uplink: Uplink; onReplay: () => void }) {
  const [result, setResult] = useState<string>();
  const [isTried, setTried] = useState(false);
  const { run, isRunning, failure } = useMutation(AdminReplayUplinksDocument);

  const replay = (dryRun: boolean) =>
    void run({ input: { ids: [uplink.id], dryRun } }).then((data) => {
      if (data) {
        setResult(describeReplay(addReplay(NOTHING_REPLAYED, data.replayUplinks), dryRun));
        setTried(dryRun);
        if (!dryRun) {
          onReplay();
        }
      }
    });

  return (
    <section className="section" aria-labelledby="replay-uplink">
      <h2 id="replay-uplink">Replay</h2>
      {uplink.cutFrom == null ? (
        <>
          <div className="actions">
            <Button disabled={isRunning} onClick={() => replay(true)}>
              Dry run
            </Button>
            <Button disabled={isRunning || !isTried} onClick={() => replay(false)}>
              Replay and store
            </Button>
          </div>
          <p role="status">{result ?? <span className="hint">Decodes the body again with the present decoder.</span>}</p>
        </>
      ) : (
        <p className="hint">Only the beginning of the body is stored, so it is not decoded again.</p>
      )}
      <Failed failure={failure} />
    </section>
  );
}
