/** Retries through a whole runtime: plain HTTP, another host, the access log, and a budget that a reload keeps. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { startHttpServer, type HttpServer } from "../support/http-server.ts";
import { configOf, startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { startScriptedGrpc } from "../support/scripted-grpc.ts";

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers with these statuses, one after the other, when it has the whole request; then with 200. */
function answering(...statuses: number[]): Handle {
  return (request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    request.on("end", () => {
      const status = statuses.shift() ?? 200;
      response.writeHead(status, { "x-answer": String(status) }).end(`${request.method} ${bytes}`);
    });
  };
}

describe("retries of plain HTTP", () => {
  let server: HttpServer;
  let host: RuntimeHost;

  async function start(handle: Handle, settings: Readonly<Record<string, unknown>> = {}): Promise<string> {
    server = await startHttpServer(handle);
    host = await startRuntime({ "inbound.upstream": server.url, "inbound.schema": "none", ...settings });
    return `http://${host.runtime.address}/x`;
  }

  afterEach(async () => {
    await host.stop();
    await server.stop();
  });

  const cases: readonly (readonly [string, readonly number[], RequestInit, number, string, number])[] = [
    ["a GET that fails once", [503], {}, 200, "GET 0", 2],
    ["a GET that fails twice, each way", [502, 503], {}, 200, "GET 0", 3],
    ["a GET that fails for ever has the service's last answer", [503, 503, 503, 503], {}, 503, "GET 0", 3],
    ["a GET with an error that is no outage", [500], {}, 500, "GET 0", 1],
    ["a GET that is too much", [429], {}, 429, "GET 0", 1],
    ["a GET of what is not there", [404], {}, 404, "GET 0", 1],
    ["a PUT", [503], { method: "PUT", body: "hello" }, 200, "PUT 5", 2],
    ["a PUT in pieces", [503, 503], { method: "PUT", body: "x".repeat(50_000) }, 200, "PUT 50000", 3],
    ["a PUT that is more than is kept", [503], { method: "PUT", body: "x".repeat(500_000) }, 503, "PUT 500000", 1],
    ["a DELETE", [503], { method: "DELETE" }, 200, "DELETE 0", 2],
    ["a POST, which may have been carried out", [503], { method: "POST", body: "hello" }, 503, "POST 5", 1],
  ];
  for (const [what, statuses, init, status, text, requests] of cases)
    it(what, async () => {
      const url = await start(answering(...statuses));
      const response = await fetch(url, init);
      assert.deepEqual([response.status, await response.text()], [status, text]);
      assert.equal(response.headers.get("x-answer"), String(status));
      assert.equal(server.seen.length, requests);
    });

  it("waits as long as retry-after says", async () => {
    let first = 0;
    const url = await start((_request, response) => {
      if (server.seen.length > 1) response.end("well");
      else {
        first = performance.now();
        response.writeHead(503, { "retry-after": "1" }).end();
      }
    });
    assert.equal((await fetch(url)).status, 200);
    assert.ok(performance.now() - first >= 999);
  });

  it("does not happen where it is switched off", async () => {
    const url = await start(answering(503), { "policies.retry": false });
    assert.equal((await fetch(url)).status, 503);
  });

  it("share a budget that a reload keeps", async () => {
    const settings = { "policies.retry": { budget: { share: "0%", perSecond: 0.1 } } };
    const url = await start((_request, response) => response.writeHead(503).end(), settings);
    await fetch(url);
    assert.equal(server.seen.length, 2);
    await host.runtime.reload(
      await configOf({ "inbound.upstream": server.url, "inbound.schema": "none", ...settings, "policies.timeout": { total: "9s" } }),
    );
    await fetch(url);
    assert.equal(server.seen.length, 3);
    assert.equal(host.services.metrics.policies.of("retry", "over-budget").count, 2);
  });
});

describe("retries of gRPC", () => {
  it("count as attempts of one call", async () => {
    const backend = await startScriptedGrpc();
    let asked = 0;
    backend.answer = (stream) => {
      const status = ++asked === 1 ? "14" : "5";
      stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": status }, { endStream: true });
    };
    const host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${backend.port}` });
    try {
      assert.equal((await host.get("/v1/echo/hi")).status, 404);
      assert.equal(asked, 2);
      const [row] = [...host.services.metrics.rows()].filter(({ method }) => method === "dragoman.test.v1.Echo/Unary");
      assert.equal(row!.attempts, 2);
    } finally {
      await host.stop();
      await backend.stop();
    }
  });
});
