/** A listener that faces the outside: `inbound.external`, over the wire. */
import assert from "node:assert/strict";
import { request as httpRequest, type IncomingMessage } from "node:http";
import * as grpc from "@grpc/grpc-js";
import { startEchoServer, loadEcho, type EchoServer } from "../support/echo-server.ts";
import { startHttpServer, type HttpServer } from "../support/http-server.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";

interface Answer {
  readonly status: number;
  readonly text: string;
}

function send(host: RuntimeHost, path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const port = Number(host.runtime.address.split(":")[1]);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent: false });
    request.on("error", reject);
    request.on("response", (response: IncomingMessage) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += String(chunk)));
      response.on("end", () => resolve({ status: response.statusCode!, text }));
    });
    request.end();
  });
}

describe("an external listener before a gRPC service", () => {
  let backend: EchoServer;
  let host: RuntimeHost;
  const rule = { selector: "dragoman.test.v1.Echo.Unary", get: "/v1/files/{text=**}", additionalBindings: [{ get: "/v1/echo/{text}" }] };

  before(async () => {
    backend = await startEchoServer();
    host = await startRuntime({
      "inbound.upstream": `grpc://127.0.0.1:${backend.port}`,
      "inbound.external": true,
      "inbound.rules": [rule],
    });
  });
  after(async () => {
    await host.stop();
    await backend.stop();
  });

  const paths = [
    ["/v1/echo/a", 200, "a"],
    ["/v1//echo/./a", 200, "a"],
    ["/x/../v1/echo/a?count=1", 200, "a"],
    ["/x/%2e%2e/v1/echo/a", 200, "a"],
    ["/v1/echo/a%2Fb", 400, "UNSAFE_PATH"],
    ["/v1/echo/a%5cb", 400, "UNSAFE_PATH"],
    ["/v1/echo/a%00b", 400, "UNSAFE_PATH"],
    ["/v1/files/a%2Fb/c", 200, "a%2Fb/c"],
    ["/v1/echo/a?text=%2F", 200, "a"],
    ["/nowhere%2f", 400, "UNSAFE_PATH"],
    ["/../../etc/passwd", 404, "UNKNOWN_PATH"],
  ] as const;
  for (const [path, status, part] of paths)
    it(`answers ${path} with ${status}`, async () => {
      const answer = await send(host, path);
      assert.deepEqual([answer.status, answer.text.includes(part)], [status, true], answer.text);
    });

  it("takes what only a hop of ours may say out of metadata, REST's and gRPC's", async () => {
    const given = { "x-forwarded-for": "1.2.3.4", "x-real-ip": "1.2.3.4", "grpc-metadata-x-forwarded-for": "1.2.3.4", "x-color": "blue" };
    assert.equal((await send(host, "/v1/echo/a", given)).status, 200);
    assert.deepEqual(backend.lastMetadata()!.get("x-color"), ["blue"]);
    for (const name of ["x-forwarded-for", "x-real-ip"]) assert.deepEqual(backend.lastMetadata()!.get(name), [], name);

    const client = new (loadEcho())(host.runtime.address, grpc.credentials.createInsecure());
    const metadata = new grpc.Metadata();
    metadata.set("x-forwarded-client-cert", "By=me");
    metadata.set("x-color", "green");
    await new Promise<void>((resolve, reject) =>
      client["unary"]!({ text: "hi" }, metadata, (error: Error | null) => (error === null ? resolve() : reject(error))),
    );
    client.close();
    assert.deepEqual(backend.lastMetadata()!.get("x-color"), ["green"]);
    assert.deepEqual(backend.lastMetadata()!.get("x-forwarded-client-cert"), []);
  });

  it("refuses names with _, and counts that", async () => {
    const answer = await send(host, "/v1/echo/a", { x_color: "1" });
    assert.equal(answer.status, 400);
    const refused = (): boolean => [...host.runtime.metrics.failures()].some(({ reason, count }) => reason === "BAD_REQUEST" && count > 0);
    await until(refused, "the refusal to be counted");
  });

  it("has no reflection and no docs, unless they are switched on", async () => {
    const reflect = async (): Promise<Answer> =>
      send(host, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", { "content-type": "application/connect+json" }, "POST");
    assert.match((await reflect()).text, /unimplemented/);
    assert.equal((await send(host, "/.dragoman/openapi.json")).status, 404);
    const { config } = host.runtime;
    await host.runtime.reload({ ...config, inbound: { ...config.inbound, docs: true, reflection: "own" } });
    assert.doesNotMatch((await reflect()).text, /unimplemented/);
    assert.equal((await send(host, "/.dragoman/openapi.json")).status, 200);
    await host.runtime.reload(config);
  });
});

describe("an external listener before an HTTP server", () => {
  let server: HttpServer;
  let host: RuntimeHost;

  before(async () => {
    server = await startHttpServer((request, response) => response.end(JSON.stringify({ url: request.url, headers: request.headers })));
    host = await startRuntime({ "inbound.upstream": server.url, "inbound.schema": "none", "inbound.external": true });
  });
  after(async () => {
    await host.stop();
    await server.stop();
  });

  it("says itself where the request came from", async () => {
    const given = { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https", "x-forwarded-host": "evil.test", forwarded: "for=1.2.3.4" };
    const { text } = await send(host, "/a/../b//c?d=/../e", given);
    const seen = JSON.parse(text) as { url: string; headers: Record<string, string> };
    assert.equal(seen.url, "/b/c?d=/../e");
    assert.equal(seen.headers["x-forwarded-for"], "127.0.0.1");
    assert.equal(seen.headers["x-forwarded-proto"], "http");
    assert.equal(seen.headers["x-forwarded-host"], host.runtime.address);
    assert.equal(seen.headers["forwarded"], undefined);
  });

  it("does not pass escapes on that hide a slash", async () => {
    const before = server.seen.length;
    for (const path of ["/static/..%2fsecret", "/static/%2e%2e%2fsecret", "/a%5c..%5cb", "/a%00.png"])
      assert.equal((await send(host, path)).status, 400, path);
    assert.equal(server.seen.length, before);
  });
});
