/** Every kind of client in front of a REST backend, the command line's way to one, and a chain that goes to REST and back again. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createFileRegistry, fromBinary, toJson, type JsonObject, type Message } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import type { Handler } from "../../src/core/handler.ts";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { certificate, certificateKey } from "../support/certificate.ts";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";
import { restClusterAt, ReverseHop, transcodingClient } from "../support/reverse-hop.ts";
import { startRuntime } from "../support/runtime-host.ts";
import { startTranscodingServer, transcodingSchema, type TranscodingServer } from "../support/transcoding-server.ts";
import { until } from "../support/until.ts";

const descriptors = join(import.meta.dirname, "../support/protos/transcoding.binpb");
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const service = registry.getService("dragoman.transcoding.v1.Transcoding")!;

interface ConnectClient {
  submit(input: object): Promise<Message>;
  list(input: object): AsyncIterable<Message>;
}

function connectClient(kind: "Connect" | "gRPC-Web", port: number): ConnectClient {
  const options = { baseUrl: `http://127.0.0.1:${port}`, httpVersion: "1.1" as const };
  const transport = kind === "Connect" ? createConnectTransport({ ...options, useBinaryFormat: false }) : createGrpcWebTransport(options);
  return createClient(service, transport) as unknown as ConnectClient;
}

function jsonOf(message: Message): JsonObject {
  return toJson(registry.getMessage(message.$typeName)!, message, { registry }) as JsonObject;
}

describe("reverse: clients", () => {
  const reverse = ReverseHop.inSuite({
    table: { rules: [{ selector: "dragoman.transcoding.v1.Transcoding.Submit", post: "/forms/{title}", body: "inner" }] },
  });

  for (const kind of ["Connect", "gRPC-Web"] as const) {
    it(`${kind}: a call and its failure`, async () => {
      const client = connectClient(kind, reverse.hop.port);
      reverse.answerJson({ title: "ok", count: 1 }, 201, { "x-one": "1" });
      assert.deepEqual(jsonOf(await client.submit({ title: "a b", count: 2, inner: { key: "k" } })), { title: "ok", count: 1 });
      const { method, url, body } = reverse.lastRequest;
      assert.deepEqual([`${method} ${url}`, body], ["POST /forms/a%20b?count=2", '{"key":"k"}']);
      reverse.answerJson(
        { code: 9, message: "not now", details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "BUSY" }] },
        400,
      );
      const error = ConnectError.from(await client.submit({ title: "a" }).then(undefined, (thrown: unknown) => thrown));
      assert.deepEqual([error.code, error.rawMessage], [Code.FailedPrecondition, "not now"]);
      assert.deepEqual((error.details[0] as { type: string }).type, "google.rpc.ErrorInfo");
    });

    it(`${kind}: a server stream and its failure`, async () => {
      const client = connectClient(kind, reverse.hop.port);
      reverse.answer((_seen, response) =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .end('data: {"author":"a"}\n\nevent: error\ndata: {"code":5,"message":"gone"}\n\n'),
      );
      const authors: unknown[] = [];
      const failed = await (async () => {
        for await (const message of client.list({ author: "x" })) authors.push(jsonOf(message));
      })().then(undefined, (thrown: unknown) => ConnectError.from(thrown));
      assert.deepEqual(authors, [{ author: "a" }]);
      assert.deepEqual([failed!.code, failed!.rawMessage], [Code.NotFound, "gone"]);
    });
  }

  it("REST of these rules to REST of the backend's own answers: status, fields and body", async () => {
    reverse.answerJson({ title: "made" }, 201, { location: "/forms/7", "x-one": "1" });
    const made = await fetch(`${reverse.base}/forms/t?count=3`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-id": "9" },
      body: '{"key":"k"}',
    });
    assert.deepEqual([made.status, made.headers.get("location"), made.headers.get("x-one")], [201, "/forms/7", "1"]);
    assert.deepEqual(await made.json(), { title: "made" });
    assert.deepEqual([reverse.lastRequest.url, reverse.lastRequest.headers["x-id"]], ["/forms/t?count=3", "9"]);

    reverse.answerJson({ error: "busy" }, 503, { "retry-after": "3" });
    const busy = await fetch(`${reverse.base}/forms/t`, { method: "POST" });
    assert.deepEqual([busy.status, busy.headers.get("retry-after")], [503, "3"]);
    assert.partialDeepStrictEqual(await busy.json(), { code: 14, message: "busy" });

    reverse.answer((_seen, response) => response.writeHead(307, { location: "/elsewhere" }).end());
    const moved = await fetch(`${reverse.base}/forms/t`, { method: "POST", redirect: "manual" });
    assert.deepEqual([moved.status, moved.headers.get("location")], [307, "/elsewhere"]);

    reverse.answer((_seen, response) => response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end());
    const who = await fetch(`${reverse.base}/forms/t`, { method: "POST" });
    assert.deepEqual([who.status, who.headers.get("www-authenticate")], [401, 'Basic realm="x"']);
  });

  it("Connect's GET and REST streams go the same way", async () => {
    reverse.answer((_seen, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end('[{"author":"a"},{"author":"b"}]'),
    );
    const lines = await fetch(`${reverse.base}/v1/notes/x`, { headers: { accept: "application/x-ndjson" } });
    assert.equal(await lines.text(), '{"author":"a"}\n{"author":"b"}\n');
  });
});

describe("reverse o forward, over the wire", () => {
  let backend: TranscodingServer;
  let forward: Hop;
  let reverse: Hop;
  let client: grpc.Client & Record<string, (...args: unknown[]) => unknown>;
  const closed: (() => unknown)[] = [];

  before(async () => {
    backend = await startTranscodingServer();
    const toGrpc: Cluster = clusterAt(backend.port);
    forward = await startHop({ handler: toGrpc.handler, schema: transcodingSchema() });
    const toRest = restClusterAt(forward.port);
    reverse = await startHop({ handler: toRest.handler, schema: transcodingSchema() });
    client = transcodingClient(reverse.port) as typeof client;
    closed.push(
      () => client.close(),
      () => reverse.stop(),
      () => toRest.close(),
      () => forward.stop(),
      () => toGrpc.close(),
      () => backend.stop(),
    );
  });
  after(async () => {
    for (const close of closed) await close();
  });

  function unary(
    method: string,
    message: object,
    metadata = new grpc.Metadata(),
  ): Promise<{ reply?: Record<string, unknown>; error?: grpc.ServiceError; initial: grpc.Metadata }> {
    return new Promise((resolve) => {
      let initial = new grpc.Metadata();
      const call = client[method]!(message, metadata, (error: grpc.ServiceError | null, reply?: Record<string, unknown>) =>
        setImmediate(() => resolve({ ...(reply && { reply }), ...(error && { error }), initial })),
      ) as grpc.ClientUnaryCall;
      call.on("metadata", (received: grpc.Metadata) => (initial = received));
    });
  }

  const form = {
    title: "a/b c?",
    count: -7,
    agreed: true,
    kind: "KIND_LARGE",
    tags: ["x", ""],
    labels: { "k&": "v" },
    inner: { key: "k", value: 1, deeper: { key: "d" } },
    blob: Buffer.from([0, 255]),
    wrapped: { value: Buffer.from([1]) },
    right: "",
    items: [{ key: "i" }, { value: 2 }],
    blobs: [Buffer.from("a"), Buffer.from("b")],
    snakeName: "s",
    updateMask: { paths: ["a.b", "snake_name"] },
  };

  it("a message is the same", async () => {
    const { reply, error } = await unary("submit", form);
    assert.equal(error, undefined);
    assert.deepEqual(reply, form);
  });

  it("a raw body is the same", async () => {
    const data = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    assert.deepEqual((await unary("mirror", { contentType: "application/x-odd; a=b", data })).reply, {
      contentType: "application/x-odd; a=b",
      data,
    });
    const { reply } = await unary("upload", { name: "a/b", file: { contentType: "text/plain", data }, keep: true });
    assert.partialDeepStrictEqual(reply, { name: "a/b", contentType: "text/plain", size: "256", keep: true });
  });

  it("metadata there, metadata and status back", async () => {
    const metadata = new grpc.Metadata();
    metadata.set("x-one", "1");
    metadata.set("x-bin", Buffer.from([0, 1, 2]));
    const { error, initial } = await unary(
      "end",
      { code: 9, message: "no: €", headers: { "x-head": "h" }, trailers: { "x-tail": "t" } },
      metadata,
    );
    assert.deepEqual([error!.code, error!.details], [9, "no: €"]);
    assert.deepEqual(initial.get("x-head"), ["h"]);
    assert.deepEqual(error!.metadata.get("x-tail"), ["t"]);
    assert.deepEqual(backend.lastMetadata()!.get("x-one"), ["1"]);
    assert.deepEqual(backend.lastMetadata()!.get("x-bin"), [Buffer.from([0, 1, 2])]);
  });

  async function stream(method: string, message: object): Promise<{ messages: Record<string, unknown>[]; end: grpc.StatusObject }> {
    const messages: Record<string, unknown>[] = [];
    const call = client[method]!(message) as grpc.ClientReadableStream<Record<string, unknown>>;
    call.on("data", (each: Record<string, unknown>) => messages.push(each)).on("error", () => undefined);
    const end = await new Promise<grpc.StatusObject>((resolve) => call.on("status", resolve));
    return { messages, end };
  }

  it("a server stream is the same, and so is its failure in the middle", async () => {
    const whole = await stream("list", { author: "a/b", count: 500, size: 100 });
    assert.deepEqual([whole.end.code, whole.messages.length], [0, 500]);
    assert.deepEqual(whole.messages[499], { author: "a/b", text: "x".repeat(100), number: "499" });
    const failed = await stream("list", { author: "a", count: 3, failCode: 5 });
    assert.deepEqual([failed.end.code, failed.end.details, failed.messages.length], [5, "failed with 5", 3]);
    const raw = await stream("download", { name: "n", pieces: 3, size: 70_000, contentType: "text/csv" });
    assert.equal(Buffer.concat(raw.messages.map(({ data }) => data as Buffer)).length, 210_000);
  });

  it("a client stream is the same", async () => {
    const reply = await new Promise<Record<string, unknown>>((resolve, reject) => {
      const call = client["collect"]!((error: grpc.ServiceError | null, value: Record<string, unknown>) =>
        error ? reject(error) : resolve(value),
      ) as grpc.ClientWritableStream<object>;
      for (let number = 0; number < 50; number++) call.write({ author: "ann", text: String(number), inner: { value: number } });
      call.end();
    });
    const notes = reply["notes"] as Record<string, unknown>[];
    assert.equal(notes.length, 50);
    assert.deepEqual(notes[49], { author: "ann", text: "49", inner: { value: 49 } });
  });

  it("a caller that leaves is heard of at the far end", async () => {
    const before = backend.cancelled();
    const call = client["download"]!({ name: "a", pieces: 1_000_000, size: 1000 }) as grpc.ClientReadableStream<object>;
    call.on("error", () => undefined);
    await new Promise((resolve) => call.once("data", resolve));
    call.cancel();
    await until(() => backend.cancelled() > before, "the backend to hear of it");
  });
});

describe("--upstream http:// and https://", () => {
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  async function listening(server: Server): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    stops.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  async function submit(address: string, title = "t"): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`http://${address}/v1/form`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify({ title }),
      signal: AbortSignal.timeout(8000),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  it("serves a REST backend by the schema of a file", async () => {
    const asked: string[] = [];
    const port = await listening(createServer((request, response) => void (asked.push(request.url!), response.end('{"count":4}'))));
    const host = await startRuntime({ "inbound.upstream": `http://127.0.0.1:${port}`, "inbound.schema": { descriptors } });
    stops.push(() => host.stop());
    assert.deepEqual(await submit(host.runtime.address), { status: 200, body: { count: 4 } });
    assert.deepEqual(asked, ["/v1/form"]);
    await until(() => host.runtime.readiness().ready, "readiness");
    assert.equal(host.runtime.clusters()[0]!.state, "ready");
  });

  it("speaks TLS, and trusts whom it is told to", async () => {
    const port = await listening(
      createTlsServer({ cert: certificate, key: certificateKey }, (_request, response) => response.end('{"count":5}')),
    );
    const folder = mkdtempSync(join(tmpdir(), "dragoman-reverse-"));
    stops.push(() => rmSync(folder, { recursive: true }));
    const ca = join(folder, "ca.pem");
    writeFileSync(ca, certificate);
    const settings = { "inbound.upstream": `https://127.0.0.1:${port}`, "inbound.schema": { descriptors } };
    const trusting = await startRuntime({ ...settings, "inbound.upstreamTls": { ca } });
    stops.push(() => trusting.stop());
    assert.deepEqual(await submit(trusting.runtime.address), { status: 200, body: { count: 5 } });
    const named = await startRuntime({ ...settings, "inbound.upstreamTls": { ca, serverName: "localhost" } });
    stops.push(() => named.stop());
    assert.equal((await submit(named.runtime.address)).status, 200);
    const wary = await startRuntime(settings);
    stops.push(() => wary.stop());
    const refused = await submit(wary.runtime.address);
    assert.equal(refused.status, 503);
    assert.partialDeepStrictEqual(refused.body, { code: 14, details: [{ reason: "UPSTREAM_UNREACHABLE" }] });
  });

  it("says 503 with a reason while the backend is down, and serves when it is back", async () => {
    const gone = createTcpServer();
    const port = await new Promise<number>((resolve) => gone.listen(0, "127.0.0.1", () => resolve((gone.address() as AddressInfo).port)));
    await new Promise((resolve) => gone.close(resolve));
    const host = await startRuntime({ "inbound.upstream": `http://127.0.0.1:${port}`, "inbound.schema": { descriptors } });
    stops.push(() => host.stop());
    const down = await submit(host.runtime.address);
    assert.equal(down.status, 503);
    assert.partialDeepStrictEqual(down.body, { code: 14, details: [{ reason: "UPSTREAM_UNREACHABLE" }] });
    assert.ok(!JSON.stringify(down.body).includes(String(port)), "no address leaks");
    const server = createServer((_request, response) => response.end("{}"));
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    stops.push(() => {
      server.closeAllConnections();
      server.close();
    });
    assert.equal((await submit(host.runtime.address)).status, 200);
  });

  it("says that what was never sent may be tried again, and what was may not", async () => {
    const reasons: [string, string][] = [];
    const around =
      (next: Handler): Handler =>
      (call) =>
        next(call).catch((error: unknown) => {
          const { reason, retry } = error as { reason: string; retry: string };
          reasons.push([reason, retry]);
          throw error;
        });
    const reverse = new ReverseHop();
    await reverse.start({ around });
    try {
      reverse.serve((request) => request.socket.destroy());
      await reverse.call("submit", {});
      reverse.server.closeAllConnections();
      await new Promise((resolve) => reverse.server.close(resolve));
      await reverse.call("submit", {});
      assert.deepEqual(reasons, [
        ["UPSTREAM_RESET", "if-idempotent"],
        ["UPSTREAM_UNREACHABLE", "safe"],
      ]);
    } finally {
      await reverse.stop();
    }
  });

  it("lets requests finish when it drains", async () => {
    let release = (): void => {};
    let asked = 0;
    const port = await listening(
      createServer((_request, response) => {
        asked++;
        release = () => response.end('{"count":6}');
      }),
    );
    const host = await startRuntime({ "inbound.upstream": `http://127.0.0.1:${port}`, "inbound.schema": { descriptors } });
    const answer = submit(host.runtime.address);
    await until(() => asked === 1, "the request");
    const drained = host.runtime.drain(8000);
    release();
    assert.deepEqual(await answer, { status: 200, body: { count: 6 } });
    await drained;
    await host.stop();
  });
});
