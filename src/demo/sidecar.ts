/**
 * A sidecar of the demo: this same program, run as a process of its own with the flags a user would give.
 *
 * It must never outlive the demo, however that ends: an IPC channel between the two is its lifeline, and it leaves when
 * the other end is gone. It has a process group of its own, so that Ctrl-C reaches it through the demo and in order.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const LIFELINE = 'data:text/javascript,process.once("disconnect",()=>process.exit(0));process.channel.unref();';
const READY_LIMIT_MS = 15_000;
const STOP_LIMIT_MS = 5000;

export interface Sidecar {
  readonly inbound: string;
  readonly admin: string;
  /** Resolves when the process is gone, with what ended it. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

export interface SidecarOptions {
  readonly upstream: string;
  readonly listen: string;
  readonly admin: string;
}

interface Ready {
  readonly event: "ready";
  readonly listeners: { readonly inbound: string; readonly admin: string };
}

function parseReady(line: string): Ready | undefined {
  try {
    const value = JSON.parse(line) as Ready;
    return value.event === "ready" ? value : undefined;
  } catch {
    return undefined; // a line of another kind
  }
}

/** Starts one and waits until it listens. */
export async function startSidecar({ upstream, listen, admin }: SidecarOptions): Promise<Sidecar> {
  const flags = ["run", "--log-level", "warn", "--upstream", `grpc://${upstream}`, "--listen", listen, "--admin", admin];
  const program = process.argv[1];
  if (program === undefined) throw new Error("the demo must be run from a file");
  const child = spawn(process.execPath, ["--import", LIFELINE, ...process.execArgv, program, ...flags], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    detached: true,
  });
  const ended = once(child, "exit").then(([code, signal]) => `the sidecar of ${upstream} ended (${String(code ?? signal)})`);
  const lines = createInterface({ input: child.stdout! });
  const ready = await new Promise<Ready>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the sidecar of ${upstream} was not ready in time`)), READY_LIMIT_MS);
    lines.on("line", (line) => {
      const found = parseReady(line);
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
    ended.then((reason) => reject(new Error(reason)), reject);
    child.on("error", reject);
  });
  return {
    inbound: ready.listeners.inbound,
    admin: ready.listeners.admin,
    ended,
    async stop() {
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
      child.kill("SIGTERM");
      await ended;
      clearTimeout(timer);
    },
  };
}
