/**
 * Autobahn's fuzzing client against a method that sends back what it gets, through the proxy as users run it and a real gRPC backend:
 * `Sockets.Mirror` takes google.api.HttpBody, so its frames may hold anything. Prints a line for each case that is not OK, and a tally.
 * usage: node autobahn.ts WSTEST [CASES, such as 7.*]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRuntime } from "../support/runtime-host.ts";
import { socketsDescriptors, startSocketsServer } from "../support/sockets-server.ts";

/** Allowed by the suite: what the standard leaves open is reported as it was seen. */
const passed: ReadonlySet<string> = new Set(["OK", "NON-STRICT", "INFORMATIONAL"]);

const [wstest = "wstest", ...cases] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "dragoman-autobahn-"));
const backend = await startSocketsServer();
const host = await startRuntime({
  "inbound.upstream": `grpc://127.0.0.1:${backend.port}`,
  "inbound.schema": { descriptors: socketsDescriptors },
  "inbound.websocket.message": "32MiB",
  "limits.message": "32MiB",
  "admin.listen": "off",
});
try {
  const spec = {
    outdir: folder,
    servers: [{ agent: "dragoman", url: `ws://${host.runtime.address}/v1/mirror` }],
    cases: cases.length === 0 ? ["*"] : cases,
    "exclude-cases": [],
    "exclude-agent-cases": {},
  };
  const specFile = join(folder, "spec.json");
  writeFileSync(specFile, JSON.stringify(spec));
  const run = spawn(wstest, ["-m", "fuzzingclient", "-s", specFile], { stdio: ["ignore", "ignore", "inherit"] });
  await once(run, "close");
  const report = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as {
    dragoman: Record<string, { behavior: string; behaviorClose: string; remoteCloseCode: number | null }>;
  };
  const results = Object.entries(report.dragoman);
  const failed = results.filter(([, { behavior, behaviorClose }]) => !passed.has(behavior) || !passed.has(behaviorClose));
  const lenient = results.filter(([, { behavior }]) => behavior === "NON-STRICT");
  for (const [name, result] of failed) console.log(name, JSON.stringify(result));
  for (const [name] of lenient) console.log(name, "NON-STRICT");
  console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 && results.length > 0 ? 0 : 1;
} finally {
  await host.stop();
  await backend.stop();
  rmSync(folder, { recursive: true, force: true });
}
