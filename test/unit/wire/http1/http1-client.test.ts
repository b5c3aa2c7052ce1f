import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from "node:net";
import { systemClock } from "../../../../src/core/clock.ts";
import { Http1Client, type Http1ClientOptions } from "../../../../src/wire/http1/http1-client.ts";
import type { ClientStream, ResponseSink } from "../../../../src/wire/http-client.ts";
import type { WireError } from "../../../../src/wire/wire-error.ts";
import { until } from "../../../support/until.ts";

const stops: (() => unknown)[] = [];

async function listening<S extends Server | TcpServer>(server: S): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  stops.push(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function clientOf(serve: RequestListener, options: Partial<Http1ClientOptions> = {}): Promise<Http1Client> {
  return clientAt(await listening(createServer(serve)), options);
}

function clientAt(port: number, options: Partial<Http1ClientOptions> = {}): Http1Client {
  const client = new Http1Client({ host: "127.0.0.1", port, clock: systemClock, ...options });
  stops.push(() => client.close());
  return client;
}

/** Keeps what comes. */
class Received implements ResponseSink {
  status = 0;
  headers: readonly string[] = [];
  trailers: readonly string[] | undefined;
  chunks: Uint8Array[] = [];
  sizeBytes = 0;
  ended = false;
  error: WireError | undefined;
  stream!: ClientStream;
  private readonly credits: boolean;

  constructor(credits = true) {
    this.credits = credits;
  }

  onHead(status: number, headers: readonly string[]): void {
    this.status = status;
    this.headers = headers;
  }

  onData(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.sizeBytes += chunk.length;
    if (this.credits) this.stream.consumed(chunk.length);
  }

  onEnd(trailers: readonly string[] | undefined): void {
    assert.ok(!this.over, "the sink hears of one end");
    this.trailers = trailers;
    this.ended = true;
  }

  onError(error: WireError): void {
    assert.ok(!this.over, "the sink hears of one end");
    this.error = error;
  }

  get over(): boolean {
    return this.ended || this.error !== undefined;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

function open(client: Http1Client, sink: Received, method = "POST", path = "/", deadlineMs = Infinity): ClientStream {
  const template = { method, scheme: "http", authority: "x", path, headers: ["accept", "*/*"] } as const;
  return (sink.stream = client.open(template, ["x-a", "1"], ["x-b", "2"], sink, deadlineMs));
}

async function over(sink: Received): Promise<Received> {
  await until(() => sink.over, "the end");
  return sink;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const echo = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const body = await bodyOf(request);
  response.writeHead(201, { "X-Seen": JSON.stringify([request.method, request.url, request.headers]), trailer: "x-tail" });
  response.write(body);
  response.addTrailers({ "X-Tail": "t" });
  response.end();
};

describe("Http1Client", () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  it("sends a whole body with its length, and hands on head, body and trailers", async () => {
    const sink = new Received();
    const client = await clientOf((request, response) => void echo(request, response));
    open(client, sink, "PUT", "/a%2Fb?c=d").write(Buffer.from("llo"), true, Buffer.from("he"));
    await over(sink);
    assert.equal(sink.status, 201);
    assert.equal(sink.text, "hello");
    assert.deepEqual(sink.trailers, ["x-tail", "t"]);
    const [method, url, headers] = JSON.parse(sink.headers[sink.headers.indexOf("x-seen") + 1]!) as [string, string, object];
    assert.deepEqual([method, url], ["PUT", "/a%2Fb?c=d"]);
    assert.partialDeepStrictEqual(headers, { accept: "*/*", "x-a": "1", "x-b": "2", "content-length": "5" });
    assert.equal(client.activeStreams, 0);
    assert.equal(client.pendingStreams, 0);
    assert.equal(client.state, "ready");
  });

  it("sends no body and no length with a GET, and a length of zero with a POST", async () => {
    const client = await clientOf((request, response) => void echo(request, response));
    for (const [method, length] of [
      ["GET", undefined],
      ["DELETE", undefined],
      ["POST", "0"],
    ] as const) {
      const sink = new Received();
      open(client, sink, method).end();
      await over(sink);
      const [, , headers] = JSON.parse(sink.headers[sink.headers.indexOf("x-seen") + 1]!) as [string, string, Record<string, string>];
      assert.equal(headers["content-length"], length, method);
      assert.equal(headers["transfer-encoding"], undefined, method);
    }
  });

  it("streams a body, and says when to pause", async () => {
    let took = 0;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const client = await clientOf((request, response) => {
      void (async () => {
        await held;
        for await (const chunk of request) took += (chunk as Buffer).length;
        response.end(String(took));
      })();
    });
    const sink = new Received();
    const stream = open(client, sink);
    const chunk = Buffer.alloc(32 << 10, 1);
    let sent = 0;
    let stands = false;
    while (!stands && sent < 64 << 20) {
      const room = stream.write(chunk, false);
      sent += chunk.length;
      if (room) continue;
      const drained = new Promise<boolean>((resolve) => (stream.onDrain = () => resolve(false)));
      const tooLong = new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 300));
      stands = await Promise.race([drained, tooLong]);
    }
    assert.ok(sent < 64 << 20, "a peer that does not read makes the sender wait");
    const drained = new Promise<void>((resolve) => (stream.onDrain = resolve));
    release();
    await drained;
    stream.end();
    await over(sink);
    assert.equal(sink.text, String(sent));
  });

  it("stops reading while nothing is consumed, and goes on when it is", async () => {
    let written = 0;
    const total = 32 << 20;
    const client = await clientOf((_request, response) => {
      const more = (): void => {
        while (written < total) {
          written += 64 << 10;
          if (!response.write(Buffer.alloc(64 << 10))) {
            response.once("drain", more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    const sink = new Received(false);
    const stream = open(client, sink, "GET");
    stream.end();
    await until(() => sink.sizeBytes >= 256 << 10, "the window to fill");
    let before = -1;
    await until(() => {
      const still = before === written;
      before = written;
      return still;
    }, "the peer to stand still");
    assert.ok(sink.sizeBytes < 2 << 20, `${sink.sizeBytes} bytes were read ahead`);
    let consumed = 0;
    await until(() => {
      // More may come while it is told.
      const { sizeBytes } = sink;
      stream.consumed(sizeBytes - consumed);
      consumed = sizeBytes;
      return sink.ended;
    }, "the end");
    assert.equal(sink.sizeBytes, total);
  });

  it("closes the connection of a request that is cancelled, and hears nothing more", async () => {
    let closed = 0;
    const client = await clientOf((_request, response) => {
      response.on("close", () => closed++);
      response.write("x");
    });
    const sink = new Received();
    const stream = open(client, sink, "GET");
    stream.end();
    await until(() => sink.sizeBytes > 0, "the first byte");
    stream.cancel();
    await until(() => closed === 1, "the peer to see it");
    assert.equal(sink.over, false);
    assert.equal(client.activeStreams, 0);
    const next = new Received();
    open(client, next, "GET").end();
    await until(() => next.sizeBytes > 0, "the next answer");
    next.stream.cancel();
  });

  it("fails unprocessed where nobody listens", async () => {
    const server = createTcpServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    const client = clientAt(port);
    const sink = new Received();
    open(client, sink).write(Buffer.from("x"), true);
    const { error } = await over(sink);
    assert.equal(error!.kind, "connect");
    assert.equal(error!.unprocessed, true);
    assert.equal(client.state, "backing-off");
    assert.equal(client.pendingStreams, 0);
  });

  const broken: [name: string, answer: string | undefined, kind: string][] = [
    ["a connection closed without an answer", undefined, "reset"],
    ["a body that ends early", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", "reset"],
    ["a chunked body that ends early", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", "reset"],
    ["what is no HTTP", "hello\r\n\r\n", "protocol"],
    ["a bad chunk size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "protocol"],
    ["an upgrade nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", "reset"],
    ["a head that is too large", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}\r\n\r\n`, "too-large"],
  ];
  for (const [name, answer, kind] of broken)
    it(`says ${kind} of ${name}, and that it may have been processed`, async () => {
      const port = await listening(
        createTcpServer((socket) => {
          socket.on("error", () => undefined).once("data", () => socket.end(answer ?? ""));
        }),
      );
      const sink = new Received();
      open(clientAt(port), sink).write(Buffer.from("x"), true);
      const { error } = await over(sink);
      assert.equal(error!.kind, kind);
      assert.equal(error!.unprocessed, false);
    });

  it("refuses, unprocessed, what would have to wait behind too many", async () => {
    const client = await clientOf(() => undefined, { maxConnections: 1, maxPending: 2 });
    const running = new Received();
    open(client, running, "GET").end();
    await until(() => client.activeStreams === 1, "the first request");
    const sinks = [new Received(), new Received(), new Received()];
    for (const sink of sinks) open(client, sink, "GET").end();
    await over(sinks[2]!);
    assert.equal(sinks[2]!.error!.kind, "refused");
    assert.equal(sinks[2]!.error!.unprocessed, true);
    assert.equal(client.pendingStreams, 2);
    sinks[0]!.stream.cancel();
    assert.equal(client.pendingStreams, 1);
  });

  it("gives up waiting for a connection at the deadline, or when it took too long", async () => {
    const client = await clientOf(() => undefined, { maxConnections: 1, maxWaitMs: 20 });
    open(client, new Received(), "GET").end();
    await until(() => client.activeStreams === 1, "the first request");
    const [late, long] = [new Received(), new Received()];
    open(client, late, "GET", "/", systemClock.nowMs() + 1).end();
    open(client, long, "GET").end();
    await over(late);
    await over(long);
    assert.deepEqual([late.error!.kind, late.error!.unprocessed], ["timeout", true]);
    assert.deepEqual([long.error!.kind, long.error!.unprocessed], ["refused", true]);
  });

  it("takes an answer that comes before the request is whole", async () => {
    const client = await clientOf((request, response) => {
      request.once("data", () => response.writeHead(413, { connection: "close" }).end("enough"));
    });
    const sink = new Received();
    const stream = open(client, sink);
    stream.write(Buffer.alloc(10), false);
    await over(sink);
    assert.equal(sink.status, 413);
    assert.equal(sink.text, "enough");
    assert.equal(stream.write(Buffer.alloc(10), true), true);
  });

  it("passes over interim answers", async () => {
    const client = await clientOf((_request, response) => {
      response.writeEarlyHints({ link: "</x>; rel=preload" });
      response.end("x");
    });
    const sink = new Received();
    open(client, sink, "GET").end();
    await over(sink);
    assert.deepEqual([sink.status, sink.text], [200, "x"]);
  });

  it("drains: what runs finishes, what comes is refused unprocessed", async () => {
    const unanswered = (): void => {};
    let answer = unanswered;
    const client = await clientOf((_request, response) => {
      answer = () => response.end("x");
    });
    const running = new Received();
    open(client, running, "GET").end();
    await until(() => answer !== unanswered, "the request");
    const drained = client.drain(8000);
    const refused = new Received();
    open(client, refused, "GET").end();
    await over(refused);
    assert.deepEqual([refused.error!.kind, refused.error!.unprocessed], ["closed", true]);
    answer();
    await over(running);
    assert.equal(running.text, "x");
    await drained;
    assert.equal(client.state, "closed");
  });

  it("ends what still runs when the grace is over", async () => {
    const client = await clientOf(() => undefined);
    const running = new Received();
    open(client, running, "GET").end();
    await until(() => client.activeStreams === 1, "the request");
    await client.drain(1);
    await over(running);
    assert.equal(running.error!.kind, "closed");
  });
});
