/** The W3C's cases byte by byte through a running sidecar: HTTP/1.1 in, gRPC out. */
import assert from "node:assert/strict";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { talk } from "../support/raw-http1.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { callersTraceId, traceContextCases } from "../support/trace-context-cases.ts";

describe("trace context through a sidecar", () => {
  let echo: EchoServer;
  let host: RuntimeHost;
  before(async () => {
    echo = await startEchoServer();
    host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${echo.port}` });
  });
  after(async () => {
    await host.stop();
    await echo.stop();
  });

  traceContextCases.forEach(({ name, fields, kept, state }, at) =>
    it(`${at} ${name}`, async () => {
      const lines = fields.map(([field, value]) => `${field}:${value}\r\n`).join("");
      const port = Number(host.runtime.address.split(":")[1]);
      const answer = await talk(port, `GET /v1/echo/hi HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${lines}\r\n`);
      assert.match(answer, /^HTTP\/1\.1 200 /);
      const received = echo.lastMetadata()!;
      const [traceparent, ...others] = received.get("traceparent").map(String);
      assert.deepEqual(others, []);
      assert.match(traceparent!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/);
      assert.equal(traceparent!.slice(3, 35) === callersTraceId, kept);
      assert.deepEqual(received.get("tracestate").map(String), state === undefined ? [] : [state]);
    }),
  );
});
