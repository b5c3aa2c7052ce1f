/** The node:http2 adapters with what is not theirs: grpc-js on the other side, TLS, bytes read before, and clients that break off. */
import assert from "node:assert/strict";
import { once } from "node:events";
import * as http2 from "node:http2";
import * as net from "node:net";
import * as tls from "node:tls";
import * as grpc from "@grpc/grpc-js";
import type { Exchange } from "../../../../src/wire/exchange.ts";
import { defaultLimits, type WireLimits } from "../../../../src/wire/limits.ts";
import { NodeHttp2Client } from "../../../../src/wire/node-http2/node-http2-client.ts";
import { serveNodeHttp2 } from "../../../../src/wire/node-http2/node-http2-server.ts";
import type { Collected } from "../../../contracts/http2-contract.ts";
import { open } from "../../../contracts/http2-contract.ts";
import { certificate, certificateKey } from "../../../support/certificate.ts";
import { listenWith, serveByNode } from "../../../support/node-http2.ts";
import { until } from "../../../support/until.ts";

const same = (bytes: Buffer): Buffer => bytes;
const method = {
  path: "/test.Echo/Say",
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

function grpcFrame(message: string): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.write(message, 5);
  return frame;
}

async function readAll({ body }: Exchange): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("node:http2 adapters", () => {
  it("a grpc-js client calls our server", async () => {
    const server = await serveByNode((exchange) => {
      void readAll(exchange).then((body) => {
        assert.equal(exchange.head.headers.get("content-type"), "application/grpc");
        assert.equal(exchange.head.acceptsTrailers, true);
        exchange.start(200, ["content-type", "application/grpc", "x-echo", exchange.head.headers.get("x-sent") ?? ""]);
        exchange.write(body);
        exchange.finish(["grpc-status", "0", "x-trailer", "t"]);
      });
    });
    const client = new grpc.Client(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure());
    try {
      for (const text of ["hello", "x".repeat(100_000)]) {
        const metadata = new grpc.Metadata();
        metadata.set("x-sent", "m");
        const seen: string[] = [];
        const reply = await new Promise<Buffer | undefined>((resolve, reject) => {
          const call = client.makeUnaryRequest(method.path, same, same, Buffer.from(text), metadata, (error, value) =>
            error === null ? resolve(value) : reject(error),
          );
          call.on("metadata", (received: grpc.Metadata) => seen.push(String(received.get("x-echo"))));
          call.on("status", (status) => seen.push(String(status.metadata.get("x-trailer"))));
        });
        assert.equal(reply?.toString(), text);
        await until(() => seen.length === 2, "metadata and status");
        assert.deepEqual(seen, ["m", "t"]);
      }
    } finally {
      client.close();
      await server.close();
    }
  });

  it("our client calls a grpc-js server", async () => {
    const server = new grpc.Server();
    const say: grpc.handleUnaryCall<Buffer, Buffer> = (call, answer) => {
      const trailer = new grpc.Metadata();
      trailer.set("x-trailer", "t");
      if (call.request.toString() === "fail") answer({ code: grpc.status.NOT_FOUND, details: "no such thing" });
      else answer(null, Buffer.from(`${call.request.toString()}!`), trailer);
    };
    server.addService({ say: { ...method, originalName: "say", requestStream: false, responseStream: false } }, { say });
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    const client = new NodeHttp2Client({ host: "127.0.0.1", port });
    const template = {
      ...({ method: "POST", scheme: "http", authority: "", path: method.path } as const),
      headers: ["content-type", "application/grpc", "te", "trailers"],
    };
    try {
      for (const [text, status, body] of [
        ["hello", "0", grpcFrame("hello!")],
        ["fail", "5", Buffer.alloc(0)],
      ] as const) {
        const answer = open(client, template);
        answer.stream!.write(grpcFrame(text), true);
        await answer.end();
        assert.equal(answer.error, undefined);
        const last = answer.trailers ?? answer.headers;
        assert.equal(last[last.indexOf("grpc-status") + 1], status);
        assert.deepEqual(answer.body, body);
      }
    } finally {
      client.close();
      server.forceShutdown();
    }
  });

  it("over TLS, with ALPN", async () => {
    let exchange: Exchange | undefined;
    const server = tls.createServer({ cert: certificate, key: certificateKey, ALPNProtocols: ["h2"], allowHalfOpen: true }, (socket) => {
      serveNodeHttp2(socket, new Uint8Array(0), {
        limits: defaultLimits,
        handler: (one) => {
          exchange = one;
          one.respond(200, [], Buffer.from("safe"));
        },
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as net.AddressInfo;
    const client = new NodeHttp2Client({
      host: "127.0.0.1",
      port,
      tls: { ca: certificate, servername: "localhost" },
      authority: "localhost",
    });
    try {
      const answer = open(client, { method: "GET", scheme: "https", authority: "localhost", path: "/", headers: [] });
      answer.stream!.end();
      await answer.end();
      assert.equal(answer.error, undefined);
      assert.equal(answer.body.toString(), "safe");
      assert.equal(exchange!.head.scheme, "https");
      const { servername, alpn, certificate } = exchange!.peer.tls!;
      assert.deepEqual({ servername, alpn, certificate }, { servername: "localhost", alpn: "h2", certificate: undefined });
    } finally {
      client.close();
      server.close();
    }
  });

  it("takes over a socket from which the preface was read already", async () => {
    const server = await listenWith((socket) => {
      let connection: ReturnType<typeof serveNodeHttp2> | undefined;
      const handler = (exchange: Exchange): void => exchange.respond(200, [], Buffer.from("taken over"));
      socket.once("data", (first: Buffer) => {
        socket.pause();
        connection = serveNodeHttp2(socket, first, { limits: defaultLimits, handler });
        first.fill(0);
      });
      return {
        drain: async (graceMs) => connection?.drain(graceMs),
        destroy: () => (connection === undefined ? socket.destroy() : connection.destroy()),
      };
    });
    const client = new NodeHttp2Client({ host: "127.0.0.1", port: server.port });
    try {
      const answer = open(client, { method: "GET", scheme: "http", authority: "", path: "/", headers: [] });
      answer.stream!.end();
      await answer.end();
      assert.equal(answer.body.toString(), "taken over");
    } finally {
      client.close();
      await server.close();
    }
  });

  describe("limits of the server", () => {
    async function withServer(limits: Partial<WireLimits>, use: (port: number, seen: Exchange[]) => Promise<void>): Promise<void> {
      const seen: Exchange[] = [];
      const handler = (exchange: Exchange): void => {
        seen.push(exchange);
        exchange.respond(200, [], undefined);
      };
      const server = await listenWith((socket) =>
        serveNodeHttp2(socket, new Uint8Array(0), { limits: { ...defaultLimits, ...limits }, handler }),
      );
      try {
        await use(server.port, seen);
      } finally {
        await server.close();
      }
    }

    it("a client that says nothing is hung up on", () =>
      withServer({ headTimeoutMs: 50 }, async (port) => {
        const socket = net.connect(port, "127.0.0.1").resume();
        socket.on("error", () => socket.destroy());
        await once(socket, "close");
      }));

    it("an idle connection is closed", () =>
      withServer({ idleTimeoutMs: 50 }, async (port) => {
        const session = http2.connect(`http://127.0.0.1:${port}`);
        session.on("error", () => session.destroy());
        await once(session, "close");
      }));

    it("a path that is too long is 414", () =>
      withServer({ uriBytes: 20 }, async (port, seen) => {
        const client = new NodeHttp2Client({ host: "127.0.0.1", port });
        const answer = open(client, { method: "GET", scheme: "http", authority: "", path: `/${"x".repeat(20)}`, headers: [] });
        answer.stream!.end();
        await answer.end();
        assert.equal(answer.status, 414);
        assert.equal(seen.length, 0);
        client.close();
      }));

    it("too many fields never reach the handler", () =>
      withServer({ headFields: 10 }, async (port, seen) => {
        const client = new NodeHttp2Client({ host: "127.0.0.1", port });
        const many = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? `x-${i}` : "v"));
        const answer = open(client, { method: "GET", scheme: "http", authority: "", path: "/", headers: many });
        answer.stream!.end();
        await answer.end();
        assert.ok(answer.error);
        assert.equal(seen.length, 0);
        client.close();
      }));
  });

  describe("the client", () => {
    const get = { method: "GET", scheme: "http", authority: "", path: "/", headers: [] } as const;

    it("lets requests beyond the peer's streams wait, up to a limit", async () => {
      const held: Exchange[] = [];
      const server = await listenWith((socket) =>
        serveNodeHttp2(socket, new Uint8Array(0), { limits: { ...defaultLimits, streams: 2 }, handler: (exchange) => held.push(exchange) }),
      );
      const client = new NodeHttp2Client({ host: "127.0.0.1", port: server.port, maxPending: 3 });
      try {
        const first = open(client, get);
        first.stream!.end();
        await until(() => held.length === 1, "the first request");
        const others = Array.from({ length: 5 }, () => {
          const answer = open(client, get);
          answer.stream!.end();
          return answer;
        });
        await until(() => held.length === 2, "the second request");
        await until(() => others.some((answer) => answer.ends > 0), "a refusal");
        assert.ok(others.filter((answer) => answer.error?.kind === "refused" && answer.error.unprocessed).length >= 1);
        assert.equal(client.activeStreams, 2);
        while ([first, ...others].some((answer) => answer.ends === 0)) {
          await until(() => held.length > 0, "a request");
          held.shift()!.respond(200, [], undefined);
          await new Promise((resolve) => setImmediate(resolve));
          if (held.length === 0)
            await until(() => held.length > 0 || [first, ...others].every((answer) => answer.ends > 0), "the next request");
        }
        assert.equal(client.activeStreams + client.pendingStreams, 0);
      } finally {
        client.close();
        await server.close();
      }
    });

    it("a request that waits past its deadline fails, unprocessed", async () => {
      const silent = await listenWith((socket) => ({ drain: async () => undefined, destroy: () => socket.destroy() }));
      const client = new NodeHttp2Client({ host: "127.0.0.1", port: silent.port });
      const answer = await open(client, get, [], performance.now() + 30).end();
      assert.equal(answer.error?.kind, "timeout");
      assert.equal(answer.error?.unprocessed, true);
      client.close();
      await silent.close();
    });

    it("a server that accepts and says nothing is a failed connection", async () => {
      const silent = await listenWith((socket) => ({ drain: async () => undefined, destroy: () => socket.destroy() }));
      const client = new NodeHttp2Client({ host: "127.0.0.1", port: silent.port, connectTimeoutMs: 50 });
      const answer = await open(client, get).end();
      assert.equal(answer.error?.kind, "connect");
      assert.equal(client.state, "backing-off");
      client.close();
      await silent.close();
    });

    it("comes back by itself when the server does", async () => {
      const first = await serveByNode((exchange) => exchange.respond(200, [], undefined));
      const { port } = first;
      const client = new NodeHttp2Client({ host: "127.0.0.1", port });
      const ask = (): Promise<Collected> => {
        const answer = open(client, get);
        answer.stream!.end();
        return answer.end();
      };
      assert.equal((await ask()).status, 200);
      await first.close();
      await until(() => client.state !== "ready", "the loss of the connection");
      assert.equal((await ask()).error?.kind, "connect");
      const again = net.createServer({ allowHalfOpen: true }, (socket) => {
        serveNodeHttp2(socket, new Uint8Array(0), { limits: defaultLimits, handler: (exchange) => exchange.respond(200, [], undefined) });
      });
      again.listen(port, "127.0.0.1");
      await once(again, "listening");
      const answers: Collected[] = [];
      while (answers.at(-1)?.status !== 200) {
        answers.push(await ask());
        assert.ok(answers.length < 1000);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      client.close();
      again.close();
    });

    it("fields that cannot be sent fail the request", async () => {
      const server = await serveByNode((exchange) => exchange.respond(200, [], undefined));
      const client = new NodeHttp2Client({ host: "127.0.0.1", port: server.port });
      const answer = await open(client, get, ["connection", "close"]).end();
      assert.equal(answer.error?.kind, "protocol");
      assert.equal(client.activeStreams, 0);
      client.close();
      await server.close();
    });
  });
});
