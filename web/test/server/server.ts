// The server under test:
//
//   AIRGRAPH_URL  a running server
//   AIRGRAPH_KEY  its admin key

import { needed } from "./needed";

export const url = needed("AIRGRAPH_URL").replace(/\/$/, "");
export const key = needed("AIRGRAPH_KEY");
export const keyed = { authorization: `Bearer ${key}` };

let minute = 0;

/** Records samples, one after the other, a minute apart. */
export async function record(device: string, ...values: number[]) {
  for (const pm10 of values) {
    minute += 1;
    const time = new Date(Date.UTC(2026, 4, 1, 12, minute)).toISOString();
    const response = await fetch(`${url}/ingest/json`, {
      method: "POST",
      headers: { ...keyed, "content-type": "application/json" },
      body: JSON.stringify({ device, time, pm10 }),
    });
    if (!response.ok) {
      throw new Error(`${response.status}: ${await response.text()}`);
    }
  }
}

/** The key of a new device. */
export const aDevice = () => `web-${Math.random().toString(36).slice(2)}`;
