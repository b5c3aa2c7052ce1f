/**
 * `npm run bench:memory`: resident memory of the proxy while a gigabyte streams through it in each form, in both directions, to a reader that
 * is slower than the sender.
 *
 * The proxy is a process of its own; clients and backend are this one. Each form begins with an eighth that does not count, in which buffers and
 * code find their size; then the question is how far memory moves while the rest goes through.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FloodServer, type Flood } from "../../test/support/flood-server.ts";
import { formRule, streamForms, type StreamForm } from "../../test/support/stream-forms.ts";
import { cpuNs, residentMb } from "../load/proc.ts";

const root = join(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "1024" },
    message: { type: "string", default: "16384" },
    only: { type: "string", default: "" },
    program: { type: "string", default: join(root, "dist/dragoman.mjs") },
  },
});
const sampleEveryMs = 20;

interface Row {
  readonly form: string;
  readonly beforeMb: number;
  /** When the first eighth was through. */
  readonly warmMb: number;
  readonly leastMb: number;
  readonly mostMb: number;
  readonly seconds: number;
  /** Of one core. */
  readonly cpuSeconds: number;
}

interface Proxy {
  readonly pid: number;
  readonly port: number;
  stop(): void;
}

async function startProxy(upstreamPort: number): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), "dragoman-memory-"));
  const config = join(folder, "dragoman.yaml");
  const descriptors = join(root, "test/support/protos/transcoding.binpb");
  const settings = {
    inbound: { listen: "127.0.0.1:0", upstream: `grpc://127.0.0.1:${upstreamPort}`, schema: { descriptors }, rules: [formRule] },
    admin: { listen: "off" },
    policies: { "access-log": false },
  };
  writeFileSync(config, JSON.stringify(settings));
  const child = spawn(process.execPath, [values.program, "run", "--config", config], { stdio: ["ignore", "pipe", "ignore"] });
  const ready = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").once("data", resolve);
    child.once("exit", (code) => reject(new Error(`the proxy ended with ${code}`)));
  });
  const { listeners } = JSON.parse(ready) as { listeners: { inbound: string } };
  return {
    pid: child.pid!,
    port: Number(listeners.inbound.split(":").at(-1)),
    stop() {
      child.kill("SIGTERM");
      rmSync(folder, { recursive: true });
    },
  };
}

async function measure(form: StreamForm, flood: Flood): Promise<Row> {
  const backend = await FloodServer.start(flood);
  const proxy = await startProxy(backend.port);
  try {
    // What a first request loads and compiles belongs to the start.
    const little = { ...flood, totalBytes: 1 << 20 };
    backend.flood = little;
    await form.run(proxy.port, little, () => undefined);
    backend.flood = flood;
    const beforeMb = residentMb(proxy.pid);
    let warmMb = 0;
    let leastMb = Infinity;
    let mostMb = 0;
    const look = (): void => {
      if (warmMb === 0) return;
      const mb = residentMb(proxy.pid);
      leastMb = Math.min(leastMb, mb);
      mostMb = Math.max(mostMb, mb);
    };
    const timer = setInterval(look, sampleEveryMs);
    const startedMs = performance.now();
    const startedCpuNs = cpuNs(proxy.pid);
    await form.run(proxy.port, flood, (bytes) => {
      if (warmMb === 0 && bytes >= flood.totalBytes / 8) warmMb = residentMb(proxy.pid);
    });
    look();
    clearInterval(timer);
    const cpuSeconds = (cpuNs(proxy.pid) - startedCpuNs) / 1e9;
    return { form: form.name, beforeMb, warmMb, leastMb, mostMb, seconds: (performance.now() - startedMs) / 1000, cpuSeconds };
  } finally {
    proxy.stop();
    await backend.stop();
  }
}

const flood: Flood = { totalBytes: Number(values.mib) << 20, messageBytes: Number(values.message), restMs: 10, restEveryBytes: 4 << 20 };
const mb = (value: number): string => value.toFixed(0);
console.log(
  `${values.mib} MiB in messages of ${values.message} bytes; a reader that rests 10 ms behind each 4 MiB. Resident memory in MB.\n`,
);
console.log(
  "| form | before | after an eighth | from there: least | most | span | seconds | CPU s |\n| --- | --- | --- | --- | --- | --- | --- | --- |",
);
for (const form of streamForms.filter(({ name }) => name.includes(values.only))) {
  const { beforeMb, warmMb, leastMb, mostMb, seconds, cpuSeconds } = await measure(form, flood);
  console.log(
    `| ${form.name} | ${mb(beforeMb)} | ${mb(warmMb)} | ${mb(leastMb)} | ${mb(mostMb)} | ${mb(mostMb - leastMb)} | ${seconds.toFixed(1)} | ${cpuSeconds.toFixed(1)} |`,
  );
}
