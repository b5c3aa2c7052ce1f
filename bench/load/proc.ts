/**
 * CPU time and memory of a process and all its descendants, from /proc.
 *
 * The trap: `utime` in /proc/PID/stat ticks at 10 ms; `schedstat` counts nanoseconds on the CPU, kernel work for the
 * process's sockets included. A thread that has ended takes its time with it, so read before a process is stopped.
 */
import { readdirSync, readFileSync } from "node:fs";

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // gone between the listing and the reading
  }
}

/** `pid` and every process below it. */
export function family(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = read(`/proc/${entry}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [Number(entry)]);
    else siblings.push(Number(entry));
  }
  const found = [pid];
  for (let at = 0; at < found.length; at++) found.push(...(children.get(found[at]!) ?? []));
  return found;
}

/** Nanoseconds on a CPU so far, all threads of all processes of the family. */
export function cpuNs(pid: number): number {
  let total = 0;
  for (const member of family(pid)) {
    let threads: string[];
    try {
      threads = readdirSync(`/proc/${member}/task`);
    } catch {
      continue; // ended
    }
    for (const thread of threads) total += Number(read(`/proc/${member}/task/${thread}/schedstat`).split(" ")[0] ?? 0);
  }
  return total;
}

/** Resident memory of the family in MB (10^6 bytes). */
export function residentMb(pid: number): number {
  let kib = 0;
  for (const member of family(pid)) kib += Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${member}/status`))?.[1] ?? 0);
  return (kib * 1024) / 1e6;
}
