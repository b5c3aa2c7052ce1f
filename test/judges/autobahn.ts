/**
 * Autobahn's fuzzing client against what sends back what it gets, through the proxy as users run it. Prints a line for each case that is not
 * OK, and a tally.
 *
 * Two targets. `echo` is a method: `Sockets.Mirror` takes google.api.HttpBody, so its frames may hold anything, and behind it is a real gRPC
 * server. `pass-through` is a WebSocket server of `ws`, with permessage-deflate and context takeover, reached by a path that no schema has.
 * usage: node autobahn.ts wstest|kosoku PROGRAM TARGET [CASES, such as 7.*]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServerOptions } from "ws";
import { startRelayHost } from "../support/relay-host.ts";
import { startRuntime } from "../support/runtime-host.ts";
import { socketsDescriptors, startSocketsServer } from "../support/sockets-server.ts";

interface Target {
  readonly url: string;
  stop(): Promise<void>;
}

/** Allowed by the suite: what the standard leaves open is reported as it was seen. */
const passed: ReadonlySet<string> = new Set(["OK", "NON-STRICT", "INFORMATIONAL"]);

const largestMessage = "32MiB";

async function startEcho(): Promise<Target> {
  const backend = await startSocketsServer();
  const host = await startRuntime({
    "inbound.upstream": `grpc://127.0.0.1:${backend.port}`,
    "inbound.schema": { descriptors: socketsDescriptors },
    "inbound.websocket.message": largestMessage,
    "limits.message": largestMessage,
    "admin.listen": "off",
  });
  return { url: `ws://${host.runtime.address}/v1/mirror`, stop: async () => (await host.stop(), await backend.stop()) };
}

/** 4 MiB in fragments of 64 bytes, and in pieces of as many, are more than `ws` takes by itself. Its types do not know these options. */
function withoutCaps(options: ServerOptions): ServerOptions {
  return Object.assign(options, { maxFragments: 1 << 20, maxBufferedChunks: 1 << 20 });
}

async function startPassThrough(): Promise<Target> {
  const { port, stop } = await startRelayHost({
    settings: { "inbound.websocket.message": largestMessage, "admin.listen": "off" },
    server: withoutCaps({ perMessageDeflate: { threshold: 0 }, maxPayload: 32 << 20 }),
  });
  return { url: `ws://127.0.0.1:${port}/mirror`, stop };
}

/** Arguments of the runner. Both write the same report. */
function runnerArguments(runner: string, url: string, cases: readonly string[], folder: string): string[] {
  if (runner === "kosoku") return [url, ...cases.flatMap((name) => ["--include", name]), "--outdir", folder];
  const spec = {
    outdir: folder,
    servers: [{ agent: "dragoman", url }],
    cases: cases.length === 0 ? ["*"] : cases,
    "exclude-cases": [],
    "exclude-agent-cases": {},
  };
  const specFile = join(folder, "spec.json");
  writeFileSync(specFile, JSON.stringify(spec));
  return ["-m", "fuzzingclient", "-s", specFile];
}

interface CaseResult {
  readonly behavior: string;
  readonly behaviorClose: string;
  readonly remoteCloseCode: number | null;
}

const [runner = "", program = "", targetName = "echo", ...cases] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "dragoman-autobahn-"));
const target = await (targetName === "pass-through" ? startPassThrough() : startEcho());
try {
  const run = spawn(program, runnerArguments(runner, target.url, cases, folder), { stdio: ["ignore", "ignore", "inherit"] });
  await once(run, "close");
  const report = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as Record<string, Record<string, CaseResult>>;
  const results = Object.values(report).flatMap((ofAgent) => Object.entries(ofAgent));
  const failed = results.filter(([, { behavior, behaviorClose }]) => !passed.has(behavior) || !passed.has(behaviorClose));
  const lenient = results.filter(([, { behavior }]) => behavior === "NON-STRICT");
  for (const [name, result] of failed) console.log(name, JSON.stringify(result));
  if (lenient.length > 0) console.log(`NON-STRICT: ${lenient.map(([name]) => name).join(" ")}`);
  console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 && results.length > 0 ? 0 : 1;
} finally {
  await target.stop();
  rmSync(folder, { recursive: true, force: true });
}
