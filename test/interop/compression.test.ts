/**
 * Message compression between callers and upstreams of different protocols, as a table: what crosses untouched, what is opened, what is refused.
 *
 * The upstreams are bare HTTP/2 servers that echo the message's bytes as they came and compress their answers with what a test says, so what they were
 * sent and what the caller gets is seen byte for byte.
 */
import assert from "node:assert/strict";
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { envelopePrefix } from "../../src/protocols/shared/envelope.ts";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { connectClusterAt } from "../support/connect-cluster.ts";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";
import { until } from "../support/until.ts";

type Encoding = "identity" | "gzip" | "br" | "zstd" | "foo";

/** Echo's messages {text: "hi hi ..."}: the same bytes as request and as answer. */
const text = "hi ".repeat(500);
const plain = Buffer.concat([Buffer.from([0x0a, 0xdc, 0x0b]), Buffer.from(text)]);
const packed: Readonly<Record<Encoding, (bytes: Uint8Array) => Buffer>> = {
  identity: (bytes) => Buffer.from(bytes),
  gzip: (bytes) => gzipSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
  foo: (bytes) => Buffer.from(bytes).reverse(),
};
function envelope(flags: number, bytes: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.concat([Uint8Array.from(envelopePrefix(flags, bytes.length)), bytes]);
}

interface Seen {
  readonly encoding: Encoding;
  readonly bytes: Buffer;
}

/** What an upstream of a protocol got, and how it answers. */
class Upstream {
  readonly server: Http2Server;
  readonly sessions = new Set<ServerHttp2Session>();
  answerWith: Encoding = "identity";
  headers: IncomingHttpHeaders = {};
  got: Seen | undefined;

  constructor(protocol: "grpc" | "connect") {
    this.server = createServer();
    this.server.on("session", (session) => {
      this.sessions.add(session);
      session.on("error", () => undefined);
    });
    this.server.on("stream", (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on("error", () => undefined);
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        this.headers = headers;
        const body = Buffer.concat(chunks);
        const answer = packed[this.answerWith](plain);
        if (protocol === "grpc") {
          const encoding = body[0] === 1 ? (headers["grpc-encoding"] as Encoding) : "identity";
          this.got = { encoding, bytes: body.subarray(5) };
          stream.respond({ "content-type": "application/grpc", "grpc-encoding": this.answerWith }, { waitForTrailers: true });
          stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
          stream.end(envelope(this.answerWith === "identity" ? 0 : 1, answer));
        } else {
          this.got = { encoding: (headers["content-encoding"] ?? "identity") as Encoding, bytes: body };
          stream.respond({ "content-type": "application/proto", "content-encoding": this.answerWith });
          stream.end(answer);
        }
      });
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return (this.server.address() as AddressInfo).port;
  }

  stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

interface Caller {
  readonly name: string;
  readonly json: boolean;
  request(encoding: Encoding, accept: string): { headers: Record<string, string>; body: Uint8Array<ArrayBuffer> };
  /** The answer's message as it came, and its encoding. */
  read(response: Response, body: Buffer): Seen;
}

const jsonText = Buffer.from(JSON.stringify({ text }));

const enveloped = (name: string, contentType: string): Caller => ({
  name,
  json: false,
  request: (encoding, accept) => ({
    headers: { "content-type": contentType, "grpc-encoding": encoding, "grpc-accept-encoding": accept },
    body: envelope(encoding === "identity" ? 0 : 1, packed[encoding](plain)),
  }),
  read: (response, body) => ({
    encoding: (body[0] === 1 ? response.headers.get("grpc-encoding") : "identity") as Encoding,
    bytes: body.subarray(5, 5 + body.readUInt32BE(1)),
  }),
});

const bare = (name: string, contentType: string, json: boolean, more: Record<string, string>): Caller => ({
  name,
  json,
  request: (encoding, accept) => ({
    headers: { "content-type": contentType, "content-encoding": encoding, "accept-encoding": accept, ...more },
    body: Buffer.from(packed[encoding](json ? jsonText : plain)),
  }),
  // fetch has opened what it knows; what is left is the message.
  read: (response, body) => ({ encoding: (response.headers.get("content-encoding") ?? "identity") as Encoding, bytes: body }),
});

const callers: readonly Caller[] = [
  enveloped("gRPC", "application/grpc"),
  enveloped("gRPC-Web", "application/grpc-web+proto"),
  bare("Connect", "application/proto", false, { "connect-protocol-version": "1" }),
  bare("Connect JSON", "application/json", true, { "connect-protocol-version": "1" }),
  bare("REST", "application/json", true, {}),
];

for (const protocol of ["grpc", "connect"] as const)
  describe(`compression to a ${protocol} upstream`, () => {
    let upstream: Upstream;
    let cluster: Cluster;
    let hop: Hop;

    before(async () => {
      upstream = new Upstream(protocol);
      const port = await upstream.listen();
      cluster = protocol === "grpc" ? clusterAt(port) : connectClusterAt(port);
      hop = await startHop({ handler: cluster.handler });
    });
    after(async () => {
      await hop.stop();
      await cluster.close();
      await upstream.stop();
    });

    const ask = async (
      caller: Caller,
      encoding: Encoding,
      accept: string,
    ): Promise<{ readonly status: number; readonly answer: Seen | undefined; readonly body: string }> => {
      upstream.got = undefined;
      const before = hop.ended.length;
      const response = await fetch(`http://127.0.0.1:${hop.port}/dragoman.test.v1.Echo/Unary`, {
        method: "POST",
        ...caller.request(encoding, accept),
      });
      const body = Buffer.from(await response.arrayBuffer());
      await until(() => hop.ended.length > before, "the end of the call");
      const failed = hop.ended[before]!.end.code !== 0;
      return { status: response.status, answer: failed ? undefined : caller.read(response, body), body: body.toString("latin1") };
    };

    for (const caller of callers) {
      // What the caller sends, and what of it the upstream is sent; undefined: refused.
      const requests: readonly (readonly [sent: Encoding, forwarded: Encoding | undefined])[] = caller.json
        ? [
            ["identity", "identity"],
            ["gzip", "identity"],
            ["br", "identity"],
            ["zstd", "identity"],
            ["foo", undefined],
          ]
        : [
            ["identity", "identity"],
            ["gzip", "gzip"],
            ["br", "br"],
            ["zstd", "zstd"],
            ["foo", "foo"],
          ];
      for (const [sent, forwarded] of requests)
        it(`${caller.name}: a request in ${sent} ${forwarded === undefined ? "is refused" : `goes on in ${forwarded}`}`, async () => {
          upstream.answerWith = "identity";
          const { answer } = await ask(caller, sent, "identity");
          if (forwarded === undefined) {
            assert.deepEqual([upstream.got, answer], [undefined, undefined]);
            return;
          }
          const got = upstream.got!;
          assert.equal(got.encoding, forwarded);
          assert.deepEqual(got.bytes, packed[forwarded](plain));
          assert.ok(answer !== undefined);
        });
    }

    for (const caller of callers.filter(({ name }) => name === "gRPC-Web" || name === "gRPC"))
      for (const [answered, accept, arrives] of [
        ["gzip", "gzip", "gzip"],
        ["br", "gzip, br", "br"],
        ["gzip", "br", "identity"],
        ["zstd", "identity", "identity"],
        ["foo", "foo", "foo"],
        ["foo", "gzip", undefined],
      ] as const)
        it(`${caller.name} that takes ${accept}: an answer in ${answered} ${arrives === undefined ? "fails" : `arrives in ${arrives}`}`, async () => {
          upstream.answerWith = answered;
          const { answer } = await ask(caller, "identity", accept);
          if (arrives === undefined) {
            assert.equal(hop.ended.at(-1)!.end.error?.reason, "UPSTREAM_PROTOCOL");
            return;
          }
          assert.equal(answer!.encoding, arrives);
          assert.deepEqual(answer!.bytes, packed[arrives](plain));
        });

    for (const caller of callers.filter(({ name }) => name !== "gRPC-Web" && name !== "gRPC"))
      for (const answered of ["identity", "gzip", "br", "zstd"] as const)
        it(`${caller.name} gets an answer in ${answered}`, async () => {
          upstream.answerWith = answered;
          for (const accept of ["gzip, br, zstd", "identity"]) {
            const { status, body } = await ask(caller, "identity", accept);
            assert.equal(status, 200);
            // fetch opens what it was sent.
            assert.ok(body.includes(text), accept);
          }
        });

    it("tells the upstream what the caller takes, and of Connect only what can be opened", async () => {
      upstream.answerWith = "identity";
      await ask(callers[0]!, "identity", "identity,deflate,snappy,gzip");
      const { "grpc-accept-encoding": grpc, "accept-encoding": http } = upstream.headers;
      if (protocol === "grpc") assert.equal(grpc, "identity,deflate,snappy,gzip");
      else assert.deepEqual([grpc, http], [undefined, "deflate,gzip"]);
    });
  });
