/** The processes of a soak: the backend, and each proxy as `dragoman run` with a configuration, an access log and a way to ask for its heap. */
import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { FromBackend } from "./backend.ts";
import { limitBytes, type ProxyName } from "./form.ts";

const root = join(import.meta.dirname, "../..");
const startLimitMs = 30_000;
const stopLimitMs = 30_000;

/** Answers any message with the heap as it is after two collections; leaves when the driver does. */
const lifeline =
  'data:text/javascript,process.once("disconnect",()=>process.exit(0));' +
  'process.on("message",()=>{gc();gc();process.send(process.memoryUsage())});process.channel.unref();';

export interface Backend {
  readonly pid: number;
  readonly ports: Readonly<Record<ProxyName, number>>;
  stop(): Promise<void>;
}

export async function startBackend(onSeen: (traceparent: string) => void): Promise<Backend> {
  const child = fork(join(import.meta.dirname, "backend.ts"), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const ports = await new Promise<Backend["ports"]>((resolve, reject) => {
    child.on("message", (message: FromBackend) => {
      if ("ports" in message) resolve(message.ports);
      else message.seen.forEach(onSeen);
    });
    child.once("exit", (code) => reject(new Error(`the backend ended with ${code}`)));
    setTimeout(() => reject(new Error("the backend does not start")), startLimitMs).unref();
  });
  return {
    pid: child.pid!,
    ports,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** What the configurations differ in. */
const inbounds: Readonly<Record<ProxyName, (port: number) => object>> = {
  echo: (port) => ({
    upstream: `grpc://127.0.0.1:${port}`,
    schema: { descriptors: descriptors("echo") },
    websocket: { message: `${limitBytes}B` },
  }),
  bodies: (port) => ({
    upstream: `grpc://127.0.0.1:${port}`,
    schema: { descriptors: descriptors("transcoding") },
    rules: [{ selector: "dragoman.transcoding.v1.Transcoding.UploadChunks", post: "/v1/chunks/{name}", body: "*" }],
  }),
  plain: (port) => ({ upstream: `http://127.0.0.1:${port}`, schema: "none" }),
};

function descriptors(name: string): string {
  return join(root, `test/support/protos/${name}.binpb`);
}

export class Proxy {
  readonly name: ProxyName;
  /** HOST:PORT */
  readonly inbound: string;
  stderr = "";
  private readonly admin: string;
  private readonly child: ChildProcess;
  private readonly log: FileHandle;
  private readAt = 0;
  private rest = "";

  private constructor(name: ProxyName, child: ChildProcess, listeners: { inbound: string; admin: string }, log: FileHandle) {
    this.name = name;
    this.child = child;
    this.inbound = listeners.inbound;
    this.admin = listeners.admin;
    this.log = log;
  }

  static async start(name: ProxyName, upstreamPort: number, folder: string): Promise<Proxy> {
    const log = join(folder, `${name}.log`);
    const config = join(folder, `${name}.yaml`);
    const settings = {
      service: name,
      inbound: { listen: "127.0.0.1:0", ...inbounds[name](upstreamPort) },
      admin: { listen: "127.0.0.1:0" },
      limits: { message: `${limitBytes}B`, body: `${2 * limitBytes}B` },
      // The backend fails on purpose, as the forms have it.
      policies: { "access-log": log, "circuit-breaker": false },
      drain: "10s",
    };
    writeFileSync(config, JSON.stringify(settings));
    writeFileSync(log, "");
    const args = ["--expose-gc", "--import", lifeline, join(root, "src/cli/main.ts"), "run", "--config", config, "--log-level", "info"];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "ipc"], env: { ...process.env, NO_COLOR: "1" } });
    let stderr = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ready = await new Promise<string>((resolve, reject) => {
      child.stdout!.setEncoding("utf8").once("data", resolve);
      child.once("exit", (code) => reject(new Error(`the proxy ${name} ended with ${code}: ${stderr}`)));
      setTimeout(() => reject(new Error(`the proxy ${name} does not start: ${stderr}`)), startLimitMs).unref();
    });
    child.stdout!.resume();
    const { listeners } = JSON.parse(ready) as { listeners: { inbound: string; admin: string } };
    const proxy = new Proxy(name, child, listeners, await open(log, "r"));
    child.stderr!.on("data", () => (proxy.stderr = stderr));
    proxy.stderr = stderr;
    return proxy;
  }

  get pid(): number {
    return this.child.pid!;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Bytes in use on the heap and beside it, behind a full collection. */
  async heapBytes(): Promise<number> {
    const answer = once(this.child, "message", { signal: AbortSignal.timeout(startLimitMs) });
    this.child.send("collect");
    const [{ heapUsed, external }] = (await answer) as [NodeJS.MemoryUsage];
    return heapUsed + external;
  }

  /** Samples of /metrics: the text before the value to the value. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(`http://${this.admin}/metrics`, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(startLimitMs),
    });
    const samples = (await response.text()).matchAll(/^([a-z_]+(?:\{.*\})?) ([\d.e+-]+)$/gm);
    return new Map([...samples].map(([, name, value]) => [name!, Number(value)]));
  }

  /** The lines of the access log that came since the last time. */
  async *rows(): AsyncGenerator<string, void> {
    const buffer = Buffer.allocUnsafe(1 << 18);
    for (;;) {
      const { bytesRead } = await this.log.read(buffer, 0, buffer.length, this.readAt);
      if (bytesRead === 0) return;
      this.readAt += bytesRead;
      const lines = (this.rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
      this.rest = lines.pop()!;
      yield* lines;
    }
  }

  /** By SIGTERM. @returns the exit code */
  async stop(): Promise<number | null> {
    if (!this.ended) {
      const ended = once(this.child, "close");
      this.child.kill("SIGTERM");
      const timer = setTimeout(() => this.child.kill("SIGKILL"), stopLimitMs);
      await ended;
      clearTimeout(timer);
    }
    return this.child.exitCode;
  }

  closeLog(): Promise<void> {
    return this.log.close();
  }
}

export interface OpenFiles {
  readonly all: number;
  readonly sockets: number;
}

/** What a process holds open. */
export function openFiles(pid: number): OpenFiles {
  const folder = `/proc/${pid}/fd`;
  const links = readdirSync(folder).flatMap((file) => {
    try {
      return [readlinkSync(join(folder, file))];
    } catch {
      return []; // closed meanwhile
    }
  });
  return { all: links.length, sockets: links.filter((link) => link.startsWith("socket:")).length };
}
