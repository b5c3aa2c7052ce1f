/** Spans of a running sidecar, as they arrive at a collector. */
import assert from "node:assert/strict";
import * as grpc from "@grpc/grpc-js";
import { startEchoServer, loadEcho, type EchoServer } from "../support/echo-server.ts";
import type { ReadSpan } from "../support/otlp.ts";
import { startGrpcCollector, startHttpCollector, type TestCollector } from "../support/otlp-collector.ts";
import { startHttpServer, type HttpServer } from "../support/http-server.ts";
import { configOf, startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const traceparent = `00-${trace}-00f067aa0ba902b7-01`;

let silent: HttpServer | undefined;

async function closedPort(): Promise<number> {
  const server = await startHttpServer(() => undefined);
  await server.stop();
  return server.port;
}

describe("tracing", () => {
  let echo: EchoServer;
  let collector: TestCollector;
  let host: RuntimeHost | undefined;
  before(async () => (echo = await startEchoServer()));
  afterEach(async () => {
    await host?.stop();
    host = undefined;
    await collector.stop();
    await silent?.stop();
    silent = undefined;
  });
  after(() => echo.stop());

  const start = async (settings: Readonly<Record<string, unknown>> = {}): Promise<string> => {
    host = await startRuntime({
      service: "echo",
      "inbound.upstream": `grpc://127.0.0.1:${echo.port}`,
      "telemetry.otlp": collector.url,
      ...settings,
    });
    return `http://${host.runtime.address}`;
  };
  const get = async (url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> => {
    const response = await fetch(url, { headers: { connection: "close", ...headers }, signal: AbortSignal.timeout(5000) });
    await response.text();
    return response.status;
  };
  /** Server and client span of one call, once they have arrived. */
  const bothOf = async (traceId?: string): Promise<{ server: ReadSpan; client: ReadSpan }> => {
    const of = (kind: string): ReadSpan | undefined =>
      collector.spans.find((span) => span.kind === kind && (traceId === undefined || span.traceId === traceId));
    await until(() => of("server") !== undefined && of("client") !== undefined, "both spans");
    return { server: of("server")!, client: of("client")! };
  };

  for (const [name, startCollector] of [
    ["HTTP", startHttpCollector],
    ["gRPC", startGrpcCollector],
  ] as const)
    it(`a REST call is a server span with a client span below it, above the upstream's, by OTLP/${name}`, async () => {
      collector = await startCollector();
      const base = await start();
      assert.equal(await get(`${base}/v1/echo/hi`, { traceparent, tracestate: "a=1" }), 200);
      const { server, client } = await bothOf(trace);
      assert.equal(server.parentId, "00f067aa0ba902b7");
      assert.equal(client.parentId, server.spanId);
      assert.equal(String(echo.lastMetadata()!.get("traceparent")), `00-${trace}-${client.spanId}-01`);
      assert.equal(server.name, "GET /v1/echo/{text}");
      assert.equal(client.name, "dragoman.test.v1.Echo/Unary");
      assert.deepEqual([server.traceState, client.traceState, server.status, client.status], ["a=1", "a=1", 0, 0]);
      assert.deepEqual(server.attributes, {
        "http.request.method": "GET",
        "http.route": "/v1/echo/{text}",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "rpc.method": "dragoman.test.v1.Echo/Unary",
        "dragoman.protocol": "rest",
        "client.address": "127.0.0.1",
      });
      assert.deepEqual(client.attributes, {
        "rpc.system.name": "grpc",
        "rpc.method": "dragoman.test.v1.Echo/Unary",
        "rpc.status_code": "OK",
        "server.address": "127.0.0.1",
        "server.port": echo.port,
      });
      assert.ok(server.startNs <= client.startNs && client.startNs <= client.endNs && client.endNs <= server.endNs);
      assert.ok(Math.abs(Number(server.startNs / 1_000_000n) - Date.now()) < 60_000);
      assert.equal(server.resource["service.name"], "echo");
      assert.equal(server.scope, "dragoman");
    });

  it("a gRPC call, unary and streaming, has the names of RPC; a failure its type and reason", async () => {
    collector = await startHttpCollector();
    const base = await start();
    const Echo = loadEcho();
    const client = new Echo(base.slice("http://".length), grpc.credentials.createInsecure());
    try {
      await new Promise((resolve) => {
        (client["unary"] as (request: object, done: (error: unknown) => void) => void).call(client, { text: "a", failCode: 14 }, resolve);
      });
      await new Promise((resolve) => {
        const stream = (client["expand"] as (request: object) => grpc.ClientReadableStream<unknown>).call(client, { text: "a", count: 3 });
        stream.on("data", () => undefined).on("end", resolve);
      });
    } finally {
      client.close();
    }
    await until(() => collector.spans.length === 6, "six spans: the failed call was tried three times");
    const server = collector.spans.filter(({ kind }) => kind === "server");
    const failed = server.find(({ name }) => name.endsWith("/Unary"))!;
    const streamed = server.find(({ name }) => name.endsWith("/Expand"))!;
    assert.equal(failed.status, 2);
    assert.equal(failed.parentId, "");
    const attempts = collector.spans.filter(({ parentId }) => parentId === failed.spanId);
    assert.deepEqual(attempts.map(({ attributes }) => attributes["dragoman.attempt"]).sort(), [2, 3, undefined]);
    assert.deepEqual(failed.attributes, {
      "rpc.system.name": "grpc",
      "rpc.method": "dragoman.test.v1.Echo/Unary",
      "rpc.status_code": "UNAVAILABLE",
      "error.type": "UNAVAILABLE",
      "dragoman.protocol": "grpc",
      "dragoman.reason": "UPSTREAM_STATUS",
      "dragoman.source": "upstream",
      "client.address": "127.0.0.1",
    });
    assert.equal(streamed.status, 0);
    assert.equal(streamed.attributes["rpc.status_code"], "OK");
  });

  it("a request that is no call is a span too, of no method", async () => {
    collector = await startHttpCollector();
    const base = await start();
    assert.equal(await get(`${base}/v1/nothing`), 404);
    await until(() => collector.spans.length === 1, "a span");
    const [span] = collector.spans;
    assert.deepEqual([span!.name, span!.status, span!.attributes["http.response.status_code"]], ["HTTP", 0, 404]);
    assert.equal(span!.attributes["dragoman.reason"], "UNKNOWN_PATH");
  });

  it("what is not sampled is not recorded, and the caller's decision holds", async () => {
    collector = await startHttpCollector();
    const base = await start({ "telemetry.sampling": "0%" });
    await get(`${base}/v1/echo/hi`);
    await get(`${base}/v1/echo/hi`, { traceparent: traceparent.replace(/01$/, "00") });
    await get(`${base}/v1/echo/hi`, { traceparent });
    await bothOf(trace);
    assert.equal(collector.spans.length, 2);
    assert.equal(host!.services.telemetry.recorder.recorded, 2);
  });

  it("a collector that is busy is asked again, and gets everything once", async () => {
    collector = await startHttpCollector((request) => (request < 2 ? { status: 503, headers: { "retry-after": "0" } } : { status: 200 }));
    const base = await start();
    await get(`${base}/v1/echo/hi`, { traceparent });
    await bothOf(trace);
    assert.deepEqual(collector.paths, ["/v1/traces", "/v1/traces", "/v1/traces"]);
    assert.equal(collector.spans.length, 2);
    await until(() => host!.services.telemetry.exportedSpans === 2, "the count");
  });

  it("a gRPC collector that is unavailable is asked again; one that says no is not", async () => {
    collector = await startGrpcCollector((request) => [14, 0, 3][request] ?? 0);
    const base = await start();
    await get(`${base}/v1/echo/hi`, { traceparent });
    await bothOf(trace);
    await get(`${base}/v1/echo/hi`);
    await until(() => host!.services.telemetry.refusedSpans === 2, "the refusal");
    assert.equal(collector.spans.length, 2);
  });

  for (const [what, makeUrl] of [
    ["away", async () => `http://127.0.0.1:${await closedPort()}`],
    ["silent", async () => `http://127.0.0.1:${(silent = await startHttpServer(() => undefined)).port}`],
  ] as const)
    it(`calls go on while the collector is ${what}`, async () => {
      collector = await startHttpCollector();
      const base = await start({ "telemetry.otlp": await makeUrl() });
      for (let i = 0; i < 20; i++) assert.equal(await get(`${base}/v1/echo/hi`), 200);
      assert.equal(host!.services.telemetry.recorder.recorded, 40);
      assert.equal(host!.services.telemetry.exportedSpans, 0);
    });

  it("a path of the collector's address goes before the signal's, and a reload changes collectors", async () => {
    collector = await startHttpCollector();
    const base = await start({ "telemetry.otlp": `${collector.url}/otlp/` });
    await get(`${base}/v1/echo/hi`);
    await until(() => collector.paths.length === 1, "a request");
    assert.deepEqual(collector.paths, ["/otlp/v1/traces"]);
    const next = await startHttpCollector();
    try {
      await host!.runtime.reload(await configOf({ "inbound.upstream": `grpc://127.0.0.1:${echo.port}`, "telemetry.otlp": next.url }));
      await get(`${base}/v1/echo/hi`);
      await until(() => next.spans.length === 2, "spans at the new collector");
    } finally {
      await host!.stop();
      host = undefined;
      await next.stop();
    }
  });

  it("a call through the sidecars of two services is one trace, each span below the one that caused it", async () => {
    collector = await startHttpCollector();
    const telemetry = { otlp: collector.url };
    const called = await startRuntime({ service: "called", "inbound.upstream": `grpc://127.0.0.1:${echo.port}`, telemetry });
    try {
      await start({
        service: "caller",
        outbound: { listen: "127.0.0.1:0", services: { called: { endpoints: [called.runtime.address] } } },
      });
      const Echo = loadEcho();
      const options = { "grpc.default_authority": "called" };
      const client = new Echo(host!.runtime.outboundAddress!, grpc.credentials.createInsecure(), options);
      const metadata = new grpc.Metadata();
      metadata.set("traceparent", traceparent);
      await new Promise((resolve) => {
        const unary = client["unary"] as (request: object, metadata: grpc.Metadata, done: (error: unknown) => void) => void;
        unary.call(client, { text: "a" }, metadata, resolve);
      }).finally(() => client.close());
      await until(() => collector.spans.length === 4, "four spans");
    } finally {
      await called.stop();
    }
    const of = (service: string, kind: string): ReadSpan =>
      collector.spans.find((span) => span.resource["service.name"] === service && span.kind === kind)!;
    const line = [of("caller", "server"), of("caller", "client"), of("called", "server"), of("called", "client")];
    assert.deepEqual(
      line.map(({ traceId, parentId }) => [traceId, parentId]),
      ["00f067aa0ba902b7", ...line.slice(0, 3).map(({ spanId }) => spanId)].map((parentId) => [trace, parentId]),
    );
    assert.equal(String(echo.lastMetadata()!.get("traceparent")), `00-${trace}-${line[3]!.spanId}-01`);
    const [address, port] = called.runtime.address.split(":");
    assert.deepEqual([line[1]!.attributes["server.address"], line[1]!.attributes["server.port"]], [address, Number(port)]);
  });

  it("metrics are sent to the same collector, where that is asked for", async () => {
    collector = await startHttpCollector();
    const base = await start({ "telemetry.metrics": "100ms" });
    await get(`${base}/v1/echo/hi`);
    await until(() => collector.metrics.some((body) => Buffer.from(body).includes("rpc.server.call.duration")), "metrics");
    assert.ok(collector.paths.includes("/v1/metrics"));
  });

  it("B3 comes in and goes out where it is configured", async () => {
    collector = await startHttpCollector();
    const base = await start({ "telemetry.propagation": ["b3"] });
    await get(`${base}/v1/echo/hi`, { b3: "00f067aa0ba902b7-00f067aa0ba902b8-1" });
    const { server, client } = await bothOf("0".repeat(16) + "00f067aa0ba902b7");
    assert.equal(server.parentId, "00f067aa0ba902b8");
    assert.equal(String(echo.lastMetadata()!.get("b3")), `00f067aa0ba902b7-${client.spanId}-1-${server.spanId}`);
    assert.deepEqual(echo.lastMetadata()!.get("traceparent"), []);
  });
});
