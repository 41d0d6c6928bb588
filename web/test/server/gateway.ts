// A gateway that a test starts, stops and kills: AIRGRAPH_BIN is the program.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needed } from "./needed";

const program = needed("AIRGRAPH_BIN");

export class Gateway {
  #process: ChildProcess | undefined;
  #seconds = 0;

  private constructor(
    readonly url: string,
    readonly key: string,
    private readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** A gateway with a database of its own, on a constant port. */
  static async start(settings: NodeJS.ProcessEnv = {}): Promise<Gateway> {
    const folder = await mkdtemp(join(tmpdir(), "airgraph-resume-"));
    const listen = `127.0.0.1:${await freePort()}`;
    const key = `test-${crypto.randomUUID()}-${crypto.randomUUID()}`;
    const environment = {
      PATH: process.env.PATH,
      AIRGRAPH_DATA_DIR: join("/var/tmp", folder.split("/").pop()!),
      AIRGRAPH_LISTEN: listen,
      AIRGRAPH_ADMIN_KEY: key,
      AIRGRAPH_LOG: "warn",
      ...settings,
    };
    const gateway = new Gateway(`http://${listen}`, key, folder, environment);
    await gateway.start();
    return gateway;
  }

  /** Starts it again and waits until it serves. */
  async start(): Promise<void> {
    const child = spawn(program, ["serve"], {
      env: this.environment,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = child;
    let printed = "";
    for await (const text of child.stdout!) {
      printed += text;
      if (printed.includes("read it back")) {
        child.stdout!.resume();
        return;
      }
    }
    throw new Error(`the gateway ended: ${printed}`);
  }

  /** Sends a signal and waits for the end of the process. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      child.kill(signal);
      await gone;
    }
  }

  /** Stops it and deletes its data. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
    await rm(this.data, { recursive: true, force: true });
  }

  /** The folder of its database. */
  get data(): string {
    return this.environment.AIRGRAPH_DATA_DIR!;
  }

  /** Its process while it runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Changes settings, from the next start on. */
  set(settings: NodeJS.ProcessEnv): void {
    Object.assign(this.environment, settings);
  }

  /** Fills the database with simulated sensors. */
  async demo(...options: string[]): Promise<void> {
    await this.#run("demo", ...options);
  }

  /** Stores a sample through the gateway. */
  async record(device: string, pm10: number): Promise<void> {
    const response = await fetch(`${this.url}/ingest/json`, {
      method: "POST",
      headers: { "x-api-key": this.key, "content-type": "application/json" },
      body: JSON.stringify({ device, time: this.#time(), pm10 }),
    });
    if (!response.ok) {
      throw new Error(`${response.status}: ${await response.text()}`);
    }
  }

  /** Stores a sample while the gateway is stopped. */
  async recordOffline(device: string, pm10: number): Promise<void> {
    const file = join(this.folder, "samples.csv");
    await writeFile(file, `device,time,pm10\n${device},${this.#time()},${pm10}\n`);
    await this.#run("import", file);
  }

  async #run(...command: string[]): Promise<void> {
    const child = spawn(program, command, { env: this.environment, stdio: "inherit" });
    const [code] = (await once(child, "exit")) as [number];
    if (code !== 0) {
      throw new Error(`airgraph ${command[0]} ended with ${code}`);
    }
  }

  #time(): string {
    this.#seconds += 1;
    return new Date(Date.UTC(2026, 4, 1, 12, 0, this.#seconds)).toISOString();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return (address as { port: number }).port;
}
