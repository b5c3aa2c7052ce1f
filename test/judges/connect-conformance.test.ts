/**
 * The small and strange part of connectrpc.com/conformance with the proxy in the middle; the whole of it is connect-conformance.sh.
 *
 * The runner is built by that script, with Go, once. Where it has not been, these tests are skipped, or build it where everything is required.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Context } from "mocha";

const cache = process.env["DRAGOMAN_JUDGES"] ?? join(homedir(), ".cache", "dragoman-judges");

function wanted(context: Context): void {
  if (existsSync(join(cache, "bin", "connectconformance")) || process.env["DRAGOMAN_REQUIRE"] === "all") return;
  console.log("      skipped: needs the runner that test/judges/connect-conformance.sh builds");
  context.skip();
}

async function run(part: string, suites: readonly string[]): Promise<void> {
  const script = join(import.meta.dirname, "connect-conformance.sh");
  const child = spawn(script, [part, "--", ...suites.flatMap((suite) => ["--run", `${suite}/**`])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = await text(child.stdout);
  const summaries = output.match(/^.*: \d+ passed, \d+ failed$/gm) ?? [];
  assert.ok(summaries.length > 0, output);
  for (const summary of summaries) assert.match(summary, / [1-9]\d* passed, 0 failed$/, output);
}

describe("connectrpc.com/conformance", function () {
  this.timeout(600_000);

  it("requests no client would send, and statuses of errors", async function () {
    wanted(this);
    await run("server", ["Connect Unexpected Requests", "gRPC Unexpected Requests", "gRPC-Web Unexpected Requests", "Unexpected Requests"]);
  });

  it("answers no server would give, to callers of every protocol", async function () {
    wanted(this);
    await run("client", ["gRPC Unexpected Responses", "gRPC Empty Responses", "gRPC Trailers", "HTTP to RPC Code Mapping"]);
  });

  it("answers no Connect server would give, to callers of every protocol", async function () {
    wanted(this);
    await run("connect-client", ["Connect Unexpected Responses", "Connect Error and End-Stream", "Connect Empty Responses"]);
  });
});
