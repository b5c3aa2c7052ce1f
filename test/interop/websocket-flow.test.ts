/**
 * Back-pressure over a WebSocket: a client that does not read stops the upstream, an upstream that does not read stops the client, and nothing
 * is buffered without a limit in between.
 *
 * The trap: kernel buffers on both sides take megabytes, so what is asserted is what the proxy itself has taken, and that all arrives in the end.
 */
import assert from "node:assert/strict";
import type { Call } from "../../src/core/call.ts";
import type { Handler } from "../../src/core/handler.ts";
import { MessageStream } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { Payload } from "../../src/core/payload.ts";
import { UnaryReply } from "../../src/core/reply.ts";
import { MessageList } from "../../src/core/messages.ts";
import { okStatus, type Status } from "../../src/core/status.ts";
import { startEchoServer } from "../support/echo-server.ts";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";
import { openSocket } from "../support/socket-client.ts";
import { until } from "../support/until.ts";

const service = "/dragoman.test.v1.Echo/";
/** EchoResponse {text: 16 KB}. */
const kilobytes = 16;
const message = Buffer.concat([Buffer.from([0x0a, 0x80, 0x80, 0x01]), Buffer.alloc(kilobytes * 1024, "a")]);

/** Waits until `value` has not changed for a while: however slow the machine, the value is then at most what it would become. */
async function settled(value: () => number, what: string): Promise<void> {
  let last = value();
  let rounds = 0;
  await until(() => {
    const now = value();
    rounds = now === last ? rounds + 1 : 0;
    last = now;
    return rounds >= 30;
  }, what);
}

class Numbers extends MessageStream {
  readonly method: Call["method"];
  readonly end = Promise.withResolvers<Status>();
  private readonly total: number;
  pulled = 0;

  constructor(call: Call, total: number) {
    super();
    this.method = call.method;
    this.total = total;
  }

  next(): Payload | undefined {
    if (this.pulled === this.total) {
      this.end.resolve(okStatus());
      return undefined;
    }
    this.pulled++;
    return Payload.ofWire(this.method.output, message);
  }

  cancel(): void {
    this.end.resolve(okStatus());
  }
}

describe("WebSocket back-pressure", function () {
  this.timeout(30_000);
  let hop: Hop;
  afterEach(() => hop.stop());

  it("stops the upstream while the client does not read", async () => {
    let numbers: Numbers | undefined;
    const total = 4000;
    const handler: Handler = async (call) => {
      numbers = new Numbers(call, total);
      return { metadata: Metadata.empty, messages: numbers, encoding: undefined, ended: undefined, end: numbers.end.promise };
    };
    hop = await startHop({ handler });
    const client = await openSocket(hop.port, `${service}Expand`, ["dragoman.v1+proto"]);
    client.ws.pause();
    client.send(Buffer.from("1200", "hex"));
    await until(() => (numbers?.pulled ?? 0) > 0, "the first message");
    await settled(() => numbers!.pulled, "the upstream to stop");
    // 64 MB in all; the kernel takes some, the proxy 64 KB.
    assert.ok(numbers!.pulled < total / 2, `${numbers!.pulled} messages were taken`);
    client.ws.resume();
    assert.equal((await client.closed).code, 1000);
    assert.equal(numbers!.pulled, total);
    assert.equal(client.received.length, total + 2);
  });

  it("stops the client while the upstream does not read", async () => {
    const total = 2000;
    const text = JSON.stringify({ text: "a".repeat(kilobytes * 1024) });
    let call: Call | undefined;
    let taken = 0;
    const read = Promise.withResolvers<void>();
    const handler: Handler = async (arrived) => {
      call = arrived;
      await read.promise;
      for await (const _ of arrived.messages) taken++;
      return new UnaryReply(Metadata.empty, new MessageList([]), okStatus());
    };
    hop = await startHop({ handler });
    const client = await openSocket(hop.port, `${service}Collect`);
    for (let i = 0; i < total; i++) client.ws.send(text);
    client.ws.send("");
    await until(() => call !== undefined && call.requestBytes > 0, "the first message");
    await settled(() => call!.requestBytes, "the client to stop");
    // A read that has begun is parsed to its end.
    assert.ok(call!.requestBytes < 512 * 1024, `${call!.requestBytes} bytes were taken`);
    assert.ok(client.ws.bufferedAmount > 0, "the client still holds messages");
    read.resolve();
    assert.equal((await client.closed).code, 1000);
    assert.equal(taken, total);
  });

  it("stops a client that sends very many small messages", async () => {
    const total = 200_000;
    let call: Call | undefined;
    let taken = 0;
    const read = Promise.withResolvers<void>();
    const handler: Handler = async (arrived) => {
      call = arrived;
      await read.promise;
      for await (const _ of arrived.messages) taken++;
      return new UnaryReply(Metadata.empty, new MessageList([]), okStatus());
    };
    hop = await startHop({ handler });
    const client = await openSocket(hop.port, `${service}Collect`);
    for (let i = 0; i < total; i++) client.ws.send("{}");
    client.ws.send("");
    await until(() => call !== undefined && call.requestBytes > 0, "the first message");
    await settled(() => call!.requestBytes, "the client to stop");
    // One read of 64 KB is eight thousand of them.
    assert.ok(call!.requestBytes / 2 < 40_000, `${call!.requestBytes / 2} messages were taken`);
    read.resolve();
    assert.equal((await client.closed).code, 1000);
    assert.equal(taken, total);
  });

  it("holds end to end, through a gRPC backend", async () => {
    const backend = await startEchoServer();
    const cluster = clusterAt(backend.port);
    hop = await startHop({ handler: cluster.handler });
    const client = await openSocket(hop.port, `${service}Expand`, ["dragoman.v1+json"]);
    client.ws.pause();
    client.send('{"message":{"text":"a","count":600,"padding":65536}}');
    await until(() => hop.ended.length === 0 && cluster.activeStreams === 1, "the call");
    client.ws.resume();
    assert.equal((await client.closed).code, 1000);
    assert.equal(client.received.length, 602);
    await cluster.close();
    await backend.stop();
  });
});
