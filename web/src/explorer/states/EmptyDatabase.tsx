import { useState } from "react";
import { Button } from "../../shared/Button";
import { copyText } from "../../shared/copy";

/** No device is known: how to send the first sample. It appears without a reload. */
export function EmptyDatabase() {
  const [copied, setCopied] = useState(false);
  const command = firstSample(new URL("ingest/json", location.href).href);
  return (
    <section className="card" aria-labelledby="empty-title">
      <h2 id="empty-title">No measurements yet</h2>
      <p>Send the first one with an API key. It appears here at once.</p>
      <pre className="code" tabIndex={0} aria-label="Command for a first sample">
        {command}
      </pre>
      <div className="form-actions">
        <Button onClick={() => void copyText(command).then(setCopied)}>
          {copied ? "Copied" : "Copy the command"}
        </Button>
      </div>
      <p>
        Or fill the database with three days of simulated sensors: <code>airgraph demo</code>
      </p>
    </section>
  );
}

function firstSample(url: string): string {
  return [
    `curl ${url}`,
    `  -H "Authorization: Bearer $AIRGRAPH_ADMIN_KEY" -H 'Content-Type: application/json'`,
    `  -d '{"device":"my-sensor","latitude":52.2053,"longitude":0.1218,"pm25":7.4,"pm10":12.1}'`,
  ].join(" \\\n");
}
