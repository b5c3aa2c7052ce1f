/** gRPC and gRPC-Web with JSON messages, and requests in forms and compressions that are read, passed on or refused. */
import assert from "node:assert/strict";
import { connect, type ClientHttp2Session } from "node:http2";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { CallError } from "../../src/core/call-error.ts";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";

const path = "/dragoman.test.v1.Echo/Unary";
const json = Buffer.from('{"text":"hi"}');
const wire = Buffer.from([0x0a, 2, 0x68, 0x69]);

function envelope(flags: number, bytes: Uint8Array): Buffer<ArrayBuffer> {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

interface GrpcAnswer {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

describe("JSON messages and other forms", () => {
  let backend: EchoServer;
  let cluster: Cluster;
  let hop: Hop;
  let session: ClientHttp2Session;

  before(async () => {
    backend = await startEchoServer();
    cluster = clusterAt(backend.port);
    hop = await startHop({ handler: cluster.handler });
    session = connect(`http://127.0.0.1:${hop.port}`);
  });
  after(async () => {
    session.destroy();
    await hop.stop();
    await cluster.close();
    await backend.stop();
  });

  const grpc = (target: string, headers: Record<string, string>, body: Uint8Array): Promise<GrpcAnswer> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ":method": "POST", ":path": target, te: "trailers", ...headers });
      let fields: Record<string, unknown> = {};
      const chunks: Buffer[] = [];
      stream.on("response", (head) => (fields = { ...fields, ...head }));
      stream.on("trailers", (trailers) => (fields = { ...fields, ...trailers }));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", reject);
      stream.on("close", () => resolve({ fields, body: Buffer.concat(chunks) }));
      stream.end(body);
    });
  const post = (
    contentType: string,
    body: Uint8Array<ArrayBuffer> | string,
    headers: Record<string, string> = {},
    target = path,
  ): Promise<Response> =>
    fetch(`http://127.0.0.1:${hop.port}${target}`, { method: "POST", headers: { "content-type": contentType, ...headers }, body });

  it("gRPC with JSON, unary", async () => {
    const { fields, body } = await grpc(path, { "content-type": "application/grpc+json" }, envelope(0, json));
    assert.equal(fields["content-type"], "application/grpc+json");
    assert.equal(fields["grpc-status"], "0");
    assert.equal(fields["x-trailer"], "tail");
    assert.deepEqual(JSON.parse(body.subarray(5).toString()), { text: "hi" });
  });

  it("gRPC with JSON, streaming and compressed", async () => {
    const body = Buffer.concat([envelope(1, gzipSync(json)), envelope(0, json)]);
    const answer = await grpc("/dragoman.test.v1.Echo/Chat", { "content-type": "application/grpc+json", "grpc-encoding": "gzip" }, body);
    assert.equal(answer.fields["grpc-status"], "0", String(answer.fields["grpc-message"]));
    const length = answer.body.readUInt32BE(1);
    assert.equal((JSON.parse(answer.body.subarray(5, 5 + length).toString()) as { text: string }).text, "hi");
    assert.ok(answer.body.length > 5 + length);
  });

  it("gRPC with JSON, and an error in it", async () => {
    const { fields } = await grpc(path, { "content-type": "application/grpc+json" }, envelope(0, Buffer.from('{"nothing":1}')));
    assert.equal(fields["grpc-status"], "3");
  });

  for (const text of [false, true])
    it(`gRPC-Web with JSON, ${text ? "text" : "binary"}`, async () => {
      const type = text ? "application/grpc-web-text+json" : "application/grpc-web+json";
      const request = envelope(0, json);
      const response = await post(type, text ? request.toString("base64") : request);
      assert.equal(response.headers.get("content-type"), type);
      const received = Buffer.from(await response.arrayBuffer());
      const body = text
        ? Buffer.concat((received.toString("latin1").match(/[^=]+={0,2}/g) ?? []).map((part) => Buffer.from(part, "base64")))
        : received;
      const length = body.readUInt32BE(1);
      assert.deepEqual(JSON.parse(body.subarray(5, 5 + length).toString()), { text: "hi" });
      assert.match(body.subarray(5 + length).toString("latin1"), /grpc-status: 0\r\n/);
    });

  it("a form nobody reads is UNIMPLEMENTED in gRPC's and gRPC-Web's own terms", async () => {
    assert.equal((await grpc(path, { "content-type": "application/grpc+foo" }, envelope(0, wire))).fields["grpc-status"], "12");
    const web = await post("application/grpc-web+foo", envelope(0, wire));
    assert.equal(web.status, 200);
    assert.match(await web.text(), /grpc-status: 12\r\n/);
  });

  for (const [encoding, compress] of [
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ] as const)
    it(`Connect opens JSON compressed with ${encoding}`, async () => {
      const response = await post("application/json", new Uint8Array(compress(json)), {
        "content-encoding": encoding,
        "connect-protocol-version": "1",
      });
      assert.deepEqual(await response.json(), { text: "hi" });
    });

  it("Connect says which compressions it opens", async () => {
    const response = await post("application/json", json, { "content-encoding": "foo", "connect-protocol-version": "1" });
    assert.equal(response.status, 501);
    assert.equal(response.headers.get("accept-encoding"), "gzip, deflate, br, zstd");
  });

  it("an unknown compression of protobuf is the upstream's to refuse", async () => {
    const response = await post("application/proto", wire, { "content-encoding": "foo" });
    assert.equal(response.status, 501);
    assert.equal(((await response.json()) as { code: string }).code, "unimplemented");
  });

  it("a method that neither schema nor upstream knows is 404 to Connect", async () => {
    const response = await post("application/proto", wire, {}, "/dragoman.test.v1.Echo/Nothing");
    assert.equal(response.status, 404);
    assert.equal(((await response.json()) as { code: string }).code, "unimplemented");
  });

  for (const [what, contentType, headers] of [
    ["for Connect", "application/foo", { "connect-protocol-version": "1" }],
    ["for nobody in particular", "image/jpeg", {}],
  ] as const)
    it(`an unknown content type ${what}, at a method's address, is refused in words`, async () => {
      const response = await post(contentType, "12345678", headers);
      assert.equal(response.status, 415);
      assert.match(response.headers.get("content-type")!, /^text\/plain/);
      assert.match(await response.text(), /is not supported/);
    });

  it("errors of our own go out without details where that is wanted", async () => {
    const plain = await startHop({ handler: () => Promise.reject(new CallError("UPSTREAM_UNREACHABLE")), plainErrors: true });
    try {
      const url = `http://127.0.0.1:${plain.port}${path}`;
      const connectAnswer = await fetch(url, { method: "POST", headers: { "content-type": "application/proto" }, body: wire });
      assert.deepEqual(Object.keys((await connectAnswer.json()) as object), ["code", "message"]);
      const web = await fetch(url, { method: "POST", headers: { "content-type": "application/grpc-web" }, body: envelope(0, wire) });
      const trailers = await web.text();
      assert.match(trailers, /grpc-status: 14/);
      assert.doesNotMatch(trailers, /details/);
    } finally {
      await plain.stop();
    }
  });
});
