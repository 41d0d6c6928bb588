// The Python client `gql` over HTTP, and by WebSocket across restarts of the gateway. AIRGRAPH_PYTHON is an interpreter that has
// the packages of requirements.txt.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Gateway } from "../gateway";
import { needed } from "../needed";

let gateway: Gateway;
let client: ChildProcess | undefined;

beforeAll(async () => {
  gateway = await Gateway.start();
});

afterAll(async () => {
  client?.kill("SIGKILL");
  await gateway.remove();
});

test("gql queries, mutates, reads errors, and gets each event once", { timeout: 60_000 }, async () => {
  const device = "python";
  await gateway.record(device, 0.5);
  const script = fileURLToPath(new URL("client.py", import.meta.url));
  const process = spawn(needed("AIRGRAPH_PYTHON"), [script, gateway.url, gateway.key, device], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  client = process;
  const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    return done ? "the client ended" : (JSON.parse(value) as unknown);
  };

  expect(await next()).toEqual({ query: device });
  expect(await next()).toEqual({ mutation: { recordMeasurements: { recorded: 1 } } });
  const error = { message: expect.stringContaining("first"), extensions: { code: "BAD_USER_INPUT" } };
  expect(await next()).toMatchObject({ error });
  expect(await next()).toEqual({ invalid: expect.stringContaining("nonsense") });
  expect(await next()).toEqual({ subscribed: expect.any(String) });

  const events: unknown[] = [];
  await gateway.record(device, 1);
  events.push(await next());
  await gateway.stop();
  await gateway.recordOffline(device, 2);
  await gateway.start();
  events.push(await next());
  await gateway.stop("SIGKILL");
  await gateway.start();
  await gateway.record(device, 3);
  events.push(await next());
  expect(events).toEqual([{ event: 1 }, { event: 2 }, { event: 3 }]);
});
