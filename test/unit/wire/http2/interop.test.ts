/** The engine with what is not ours on the other side: grpc-js, TLS, and readers that are slow. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { systemClock } from "../../../../src/core/clock.ts";
import { ByteChannel } from "../../../../src/wire/byte-channel.ts";
import type { Exchange } from "../../../../src/wire/exchange.ts";
import { Http2Client } from "../../../../src/wire/http2/http2-client.ts";
import { serveHttp2 } from "../../../../src/wire/http2/serve-http2.ts";
import { defaultLimits } from "../../../../src/wire/limits.ts";
import { open } from "../../../contracts/http2-contract.ts";
import { certificate, certificateKey } from "../../../support/certificate.ts";
import { frame, type, uint32 } from "../../../fuzz/frames.ts";
import { until } from "../../../support/until.ts";
import { getFields, head, RawPeer, serve } from "./raw-peer.ts";

const same = (bytes: Buffer): Buffer => bytes;
const definition = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
const grpcHeaders = ["content-type", "application/grpc"];
const template = {
  method: "POST",
  scheme: "http",
  authority: "a",
  path: "/test.Echo/Say",
  headers: [...grpcHeaders, "te", "trailers"],
} as const;

/** Sends every chunk back as it comes, which for gRPC is an echo of messages. */
async function echo(exchange: Exchange): Promise<void> {
  const { body } = exchange;
  exchange.start(200, grpcHeaders);
  try {
    for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read())
      if (!exchange.write(chunk)) await exchange.drained();
  } catch {
    return; // the client has gone
  }
  exchange.finish(["grpc-status", "0"]);
}

describe("HTTP/2, with others", () => {
  it("a grpc-js client: unary, large, streaming, cancelled, past its deadline", async () => {
    const server = await serve({}, (exchange) => void echo(exchange));
    const client = new grpc.Client(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
    try {
      for (const size of [0, 5, 70_000, 5_000_000]) {
        const sent = Buffer.alloc(size, "abc");
        const reply = await new Promise<Buffer>((resolve, reject) => {
          client.makeUnaryRequest("/test.Echo/Say", same, same, sent, (error, value) => (error === null ? resolve(value!) : reject(error)));
        });
        assert.ok(reply.equals(sent));
      }
      const call = client.makeBidiStreamRequest("/test.Echo/Chat", same, same);
      const heard: string[] = [];
      call.on("data", (message: Buffer) => heard.push(message.toString()));
      for (let i = 0; i < 50; i++) call.write(Buffer.from(`message ${i}`));
      await until(() => heard.length === 50, "the echo of all messages");
      call.end();
      await once(call, "end");
      assert.equal(heard[49], "message 49");

      const left = client.makeBidiStreamRequest("/test.Echo/Chat", same, same);
      const status = once(left, "error");
      left.write(Buffer.from("x"));
      await once(left, "data");
      left.cancel();
      assert.equal(((await status)[0] as grpc.ServiceError).code, grpc.status.CANCELLED);
      await until(() => server.connections[0]!.activeStreams === 0, "the end of the cancelled stream");

      const late = client.makeBidiStreamRequest("/test.Echo/Chat", same, same, { deadline: Date.now() + 50 });
      const [timeout] = (await once(late, "error")) as [grpc.ServiceError];
      assert.equal(timeout.code, grpc.status.DEADLINE_EXCEEDED);
    } finally {
      client.close();
      server.close();
    }
  });

  it("our client and a grpc-js server: unary and large", async () => {
    const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
    const say: grpc.handleUnaryCall<Buffer, Buffer> = (call, answer) => answer(null, call.request);
    server.addService(
      { say: { ...definition, path: template.path, originalName: "say", requestStream: false, responseStream: false } },
      { say },
    );
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    const client = new Http2Client({ host: "127.0.0.1", port, clock: systemClock, poisonReadBuffers: true });
    try {
      for (const size of [0, 5, 70_000, 5_000_000]) {
        const message = Buffer.alloc(5 + size, "xyz");
        message[0] = 0;
        message.writeUInt32BE(size, 1);
        const answer = open(client, template);
        answer.stream!.write(message, true);
        await answer.end();
        assert.equal(answer.error, undefined);
        assert.ok(answer.body.equals(message));
        assert.ok(answer.trailers!.includes("grpc-status"));
      }
    } finally {
      client.close();
      server.forceShutdown();
    }
  });

  it("TLS on both sides, and a server without HTTP/2", async () => {
    const server = createTlsServer(
      { cert: certificate, key: certificateKey, ALPNProtocols: ["h2"], allowHalfOpen: true, noDelay: true },
      (socket: TLSSocket) =>
        serveHttp2(ByteChannel.accepted(socket), new Uint8Array(0), {
          limits: defaultLimits,
          handler: (exchange) => void echo(exchange),
          clock: systemClock,
          scheme: "https",
        }),
    );
    const plain = createTlsServer({ cert: certificate, key: certificateKey });
    plain.on("tlsClientError", () => undefined);
    for (const one of [server, plain]) {
      one.listen(0, "127.0.0.1");
      await once(one, "listening");
    }
    const tls = { ca: certificate, servername: "localhost" };
    const clients = [server, plain].map(
      (one) => new Http2Client({ host: "127.0.0.1", port: (one.address() as AddressInfo).port, tls, clock: systemClock }),
    );
    try {
      const sent = Buffer.alloc(3_000_000, "secret");
      const answers = Array.from({ length: 3 }, () => {
        const answer = open(clients[0]!, { ...template, scheme: "https" });
        answer.stream!.write(sent, true);
        return answer;
      });
      for (const answer of answers) {
        await answer.end();
        assert.equal(answer.error, undefined);
        assert.ok(answer.body.equals(sent));
      }
      const refused = await open(clients[1]!, template).end();
      assert.deepEqual([refused.error?.kind, refused.error?.unprocessed], ["connect", true]);
    } finally {
      for (const client of clients) client.close();
      server.close();
      plain.close();
    }
  });

  it("a reader that stops holds the writer up, and gets everything in the end", async () => {
    let written = 0;
    let held = 0;
    const total = 20_000_000;
    const server = await serve({}, (exchange) => {
      void (async () => {
        const chunk = Buffer.alloc(50_000, "z");
        exchange.start(200, []);
        for (; written < total && exchange.open; written += chunk.length) {
          if (exchange.write(chunk)) continue;
          held++;
          await exchange.drained();
        }
        exchange.finish(["x-end", "1"]);
      })();
    });
    const peer = await RawPeer.greeted(server.port, [4, 0x7fffffff]);
    try {
      peer.send(frame(type.window, 0, 0, uint32(0x7fff0000)), head(1, getFields));
      peer.socket.pause();
      let last = -1;
      let looks = 0;
      await until(() => {
        looks = written > 0 && written === last ? looks + 1 : 0;
        last = written;
        return looks === 20;
      }, "the writer to stand still");
      assert.ok(held > 0);
      assert.ok(written < total, "the socket's buffers are not endless");
      peer.socket.resume();
      await until(() => written >= total && peer.of(type.headers, 1).length === 2, "the end");
      assert.equal(peer.body(1).length, total);
    } finally {
      server.close();
    }
  });
});
