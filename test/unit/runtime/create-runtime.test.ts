import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { startEchoServer, loadEcho, type EchoServer } from "../../support/echo-server.ts";
import { configOf, startRuntime, type RuntimeHost } from "../../support/runtime-host.ts";
import { until } from "../../support/until.ts";

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("runtime", () => {
  let echo: EchoServer;
  let host: RuntimeHost | undefined;
  let upstream = "";
  before(async () => {
    echo = await startEchoServer();
    upstream = `grpc://127.0.0.1:${echo.port}`;
  });
  afterEach(async () => {
    await host?.stop();
    host = undefined;
  });
  after(() => echo.stop());

  it("serves REST, and is ready once the upstream was reached", async () => {
    host = await startRuntime({ "inbound.upstream": upstream });
    assert.deepEqual(await host.get("/v1/echo/hi"), { status: 200, body: '{"text":"hi"}', reason: undefined });
    await until(() => host!.runtime.readiness().ready, "readiness");
    const [cluster] = host.runtime.clusters();
    assert.deepEqual(
      [cluster!.state, cluster!.reached, cluster!.schema.source, cluster!.schema.methods],
      ["ready", true, "descriptors", 4],
    );
  });

  it("carries the caller's trace to the upstream, and its deadline", async () => {
    host = await startRuntime({ "inbound.upstream": upstream, "policies.timeout": { total: "3s" } });
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await fetch(`http://${host.runtime.address}/v1/echo/hi`, {
      headers: { traceparent, tracestate: "a=1", baggage: "b=2", connection: "close" },
    });
    const got = (name: string): string => String(echo.lastMetadata()!.get(name));
    assert.match(got("traceparent"), /^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/);
    assert.notEqual(got("traceparent"), traceparent);
    assert.deepEqual([got("tracestate"), got("baggage")], ["a=1", "b=2"]);
    const timeoutMs = echo.lastTimeoutMs()!;
    assert.ok(timeoutMs > 1000 && timeoutMs <= 3000, `${timeoutMs} ms`);
  });

  it("starts while the upstream is down, says so once, answers 503 with a reason, recovers by itself", async () => {
    const port = await freePort();
    host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${port}` });
    assert.equal((await host.get("/v1/echo/hi")).reason, "UPSTREAM_UNREACHABLE");
    assert.equal((await host.get("/v1/echo/hi")).status, 503);
    assert.equal(host.runtime.readiness().ready, false);
    assert.equal(host.logged.filter((message) => message.includes("cannot be reached")).length, 1);
    const late = await startEchoServer(port);
    try {
      await until(() => host!.runtime.readiness().ready, "readiness");
      const endMs = performance.now() + 8000;
      while ((await host.get("/v1/echo/hi")).status !== 200) assert.ok(performance.now() < endMs, "the upstream was not used again");
    } finally {
      await late.stop();
    }
  });

  it("answers 503 NO_SCHEMA while reflection cannot be asked, and lets gRPC through without a schema", async () => {
    const port = await freePort();
    host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${port}`, "inbound.schema": "reflection" });
    const { status, reason } = await host.get("/v1/echo/hi");
    assert.deepEqual([status, reason], [503, "NO_SCHEMA"]);
    assert.equal(host.runtime.readiness().ready, false);
    assert.equal(host.logged.filter((message) => message.includes("cannot be reached")).length, 1);
  });

  it("passes gRPC through with schema: none", async () => {
    host = await startRuntime({ "inbound.upstream": upstream, "inbound.schema": "none" });
    const client = new (loadEcho())(host.runtime.address, grpc.credentials.createInsecure());
    const unary = client["Unary"] as (message: object, done: (error: Error | null, answer?: { text: string }) => void) => void;
    const answer = await new Promise<{ text: string } | undefined>((resolve, reject) =>
      unary.call(client, { text: "through" }, (error, value) => (error === null ? resolve(value) : reject(error))),
    );
    client.close();
    assert.equal(answer!.text, "through");
    await until(() => host!.runtime.readiness().ready, "readiness");
  });

  it("stops the start when the upstream has no reflection", async () => {
    await assert.rejects(startRuntime({ "inbound.upstream": upstream, "inbound.schema": "reflection" }), {
      name: "StartError",
      fault: "start",
      message: `upstream ${upstream} has no reflection service: pass --proto or --descriptors, or add reflection to the server`,
    });
  });

  it("says that a port is in use", async () => {
    await assert.rejects(startRuntime({ "inbound.upstream": upstream, "inbound.listen": `127.0.0.1:${echo.port}` }), {
      name: "StartError",
      fault: "start",
      message: `cannot listen on 127.0.0.1:${echo.port}: the port is in use: choose another with --listen or inbound.listen`,
    });
  });

  for (const [settings, message] of [
    [{ "inbound.schema": { descriptors: "/none.binpb" } }, /none\.binpb/],
    [{ "inbound.tls": { cert: "/none.pem", key: "/none.pem" } }, /inbound\.tls\.cert: \/none\.pem cannot be read: there is no such file/],
    [{ "policies.access-log": { path: "/none/calls.log" } }, /log file \/none\/calls\.log cannot be opened: its folder does not exist/],
  ] as const)
    it(`calls it a fault of the configuration: ${Object.keys(settings)[0]!}`, () =>
      assert.rejects(startRuntime({ "inbound.upstream": upstream, ...settings }), (error: Error & { fault: string }) => {
        assert.equal(error.fault, "config");
        assert.match(error.message, message);
        return true;
      }));

  describe("reload", () => {
    it("puts new policies in force at once, keeps port, upstream connections and counters", async () => {
      host = await startRuntime({ "inbound.upstream": upstream });
      const { address } = host.runtime;
      assert.equal((await host.get("/v1/echo/hi?delay_ms=50")).status, 200);
      await host.runtime.reload(await configOf({ "inbound.upstream": upstream, "policies.timeout": { total: "20ms" } }));
      assert.equal(host.runtime.address, address);
      assert.equal(host.runtime.clusters()[0]!.state, "ready");
      assert.equal((await host.get("/v1/echo/hi?delay_ms=2000")).status, 504);
      const counted = [...host.runtime.metrics.rows()].flatMap((row) => [...row.codes()].map(({ code }) => `${row.method} ${code}`));
      assert.deepEqual(
        counted.filter((label) => label.includes("Unary")),
        ["dragoman.test.v1.Echo/Unary OK", "dragoman.test.v1.Echo/Unary DEADLINE_EXCEEDED"],
      );
    });

    it("lets calls under way finish when the upstream changes", async () => {
      const other = await startEchoServer();
      try {
        host = await startRuntime({ "inbound.upstream": upstream });
        const slow = host.get("/v1/echo/slow?delay_ms=500");
        await until(() => host!.runtime.clusters()[0]!.activeStreams === 1, "the call to be under way");
        await host.runtime.reload(await configOf({ "inbound.upstream": `grpc://127.0.0.1:${other.port}` }));
        assert.equal((await host.get("/v1/echo/hi")).status, 200);
        assert.ok(other.lastMetadata() !== undefined, "the new upstream is asked");
        assert.equal((await slow).body, '{"text":"slow"}');
      } finally {
        await host!.stop();
        host = undefined;
        await other.stop();
      }
    });

    it("moves to another address", async () => {
      host = await startRuntime({ "inbound.upstream": upstream });
      const before = host.runtime.address;
      const port = await freePort();
      await host.runtime.reload(await configOf({ "inbound.upstream": upstream, "inbound.listen": `127.0.0.1:${port}` }));
      assert.equal(host.runtime.address, `127.0.0.1:${port}`);
      assert.equal((await host.get("/v1/echo/hi")).status, 200);
      await assert.rejects(fetch(`http://${before}/v1/echo/hi`));
    });

    for (const [what, settings, message] of [
      ["limits", { "limits.uri": "1KiB" }, /limits cannot change while the port stays open: restart instead/],
      ["the engine", { "inbound.http2": "node" }, /inbound\.http2 cannot change/],
      ["a schema that is not there", { "inbound.schema": { descriptors: "/none.binpb" } }, /none\.binpb/],
      ["a log that cannot be opened", { "policies.access-log": { path: "/none/x" } }, /cannot be opened/],
      ["a port that is taken", "taken", /the port is in use/],
    ] as const)
      it(`leaves the old configuration running when the new one fails: ${what}`, async () => {
        host = await startRuntime({ "inbound.upstream": upstream });
        const changes = settings === "taken" ? { "inbound.listen": `127.0.0.1:${echo.port}` } : settings;
        const old = host.runtime.config;
        await assert.rejects(host.runtime.reload(await configOf({ "inbound.upstream": upstream, ...changes })), message);
        assert.equal(host.runtime.config, old);
        assert.equal((await host.get("/v1/echo/hi")).status, 200);
      });

    it("takes a new schema file without being told, and keeps the last good one when it breaks", async () => {
      const folder = mkdtempSync(join(tmpdir(), "dragoman-schema-"));
      const { readFileSync } = await import("node:fs");
      const { echoDescriptors } = await import("../../support/runtime-host.ts");
      const path = join(folder, "echo.binpb");
      writeFileSync(path, readFileSync(echoDescriptors));
      try {
        host = await startRuntime({ "inbound.upstream": upstream, "inbound.schema": { descriptors: path } });
        writeFileSync(path, "not a descriptor set");
        await until(() => host!.runtime.clusters()[0]!.schema.problem !== undefined, "the problem to be seen");
        assert.equal((await host.get("/v1/echo/hi")).status, 200);
      } finally {
        await host?.stop();
        host = undefined;
        rmSync(folder, { recursive: true });
      }
    });
  });

  it("drains: calls under way finish, new connections are refused, and it is not ready any more", async () => {
    host = await startRuntime({ "inbound.upstream": upstream });
    const slow = host.get("/v1/echo/slow?delay_ms=400");
    await until(() => host!.runtime.clusters()[0]!.activeStreams === 1, "the call to be under way");
    const drained = host.runtime.drain(5000);
    assert.deepEqual(host.runtime.readiness().reasons[0], "draining");
    await assert.rejects(host.get("/v1/echo/hi"));
    assert.equal((await slow).status, 200);
    await drained;
  });
});
