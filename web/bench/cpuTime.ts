// CPU time of a gateway and its embedded Postgres, from Linux' /proc.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Gateway } from "../test/server/gateway";

/** Unit of /proc/PID/stat, in milliseconds. */
const TICK = 10;

/** CPU time so far of the gateway and of Postgres, in milliseconds; empty without a gateway. */
export async function cpuMilliseconds(gateway: Gateway | undefined): Promise<number[]> {
  if (gateway?.pid === undefined) {
    return [];
  }
  const postmaster = Number((await readFile(join(gateway.data, "postgres/postmaster.pid"), "utf8")).split("\n", 1)[0]);
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, "utf8");
  const postgres = await Promise.all(children.trim().split(" ").map((pid) => ofProcess(Number(pid))));
  const ended = await ofEndedChildren(postmaster);
  return [await ofProcess(gateway.pid), postgres.reduce((sum, time) => sum + time, ended)];
}

/** CPU time of children that have ended, such as parallel workers. */
async function ofEndedChildren(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from the third field on
  return (Number(fields[13]) + Number(fields[14])) * TICK;
}

/** CPU time of the threads of a process; 0 when it has ended. */
async function ofProcess(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const times = threads.map(async (thread) => {
    const nanoseconds = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0")).split(" ", 1)[0];
    return Number(nanoseconds) / 1e6;
  });
  return (await Promise.all(times)).reduce((sum, time) => sum + time, 0);
}
