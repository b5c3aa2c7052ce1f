/** The command line as a process of its own, from the sources: what it says, where it listens, how it ends. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { until } from "./until.ts";

const main = join(import.meta.dirname, "../../src/cli/main.ts");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class SidecarProcess {
  stdout = "";
  stderr = "";
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  private over = false;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, [main, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1", ...env },
    });
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.on("close", (code) => {
        this.over = true;
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  /** Its listeners, once it has said where they are. */
  async listeners(): Promise<{ readonly inbound: string; readonly admin: string }> {
    await until(() => this.over || this.stdout.includes("\n"), "the ready line");
    if (this.over) throw new Error(`it ended: ${this.stderr}`);
    const ready = JSON.parse(this.stdout.slice(0, this.stdout.indexOf("\n"))) as {
      event: string;
      listeners: { inbound: string; admin: string };
    };
    if (ready.event !== "ready") throw new Error(`the first line is ${this.stdout}`);
    return ready.listeners;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Ends it at once, for clean-up. */
  async kill(): Promise<void> {
    if (!this.over) this.child.kill("SIGKILL");
    await this.ended;
  }
}
