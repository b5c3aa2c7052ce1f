/** The HTTP/2 engine without sockets: one exchange through each role, and the tricks beside what they replaced. */
import type { Bench } from "tinybench";
import { systemClock } from "../../src/core/clock.ts";
import { ByteChannel, type ChannelEvents } from "../../src/wire/byte-channel.ts";
import type { ResponseSink } from "../../src/wire/http-client.ts";
import { putFrameHeader } from "../../src/wire/http2/frame-writing.ts";
import { HpackEncoder } from "../../src/wire/http2/hpack/hpack-encoder.ts";
import { Http2Client } from "../../src/wire/http2/http2-client.ts";
import { readRequest } from "../../src/wire/http2/request-fields.ts";
import { serveHttp2 } from "../../src/wire/http2/serve-http2.ts";
import { StreamTable, type Tabled } from "../../src/wire/http2/stream-table.ts";
import { defaultLimits } from "../../src/wire/limits.ts";

const batch = 64;
const message = Buffer.from("\0\0\0\0\x07\x0a\x05world", "latin1");
const grpcHeaders = ["content-type", "application/grpc"];
const trailers = ["grpc-status", "0"];

/** A channel whose kernel takes everything. */
class SinkChannel {
  readonly peer = { address: "192.0.2.1", port: 1, tls: undefined };
  readonly queuedBytes = 0;
  events: ChannelEvents | undefined;

  listen(events: ChannelEvents): void {
    this.events = events;
  }

  write(): boolean {
    return true;
  }

  end(): void {
    // Nobody is there.
  }

  destroy(): void {
    // Nobody is there.
  }
}

/** The frames of `batch` unary messages on the streams from `firstId` on. */
class MessageWriter {
  private readonly encoder = new HpackEncoder({ maxTableBytes: 4096 });
  private readonly bytes = Buffer.alloc(64 * 1024);

  write(firstId: number, head: readonly string[], tail: readonly string[] | undefined): Buffer {
    let at = 0;
    for (let i = 0; i < batch; i++) {
      const id = firstId + 2 * i;
      at = this.writeBlock(at, id, head, 4);
      putFrameHeader(this.bytes, at, message.length, 0, tail === undefined ? 1 : 0, id);
      at += 9 + message.copy(this.bytes, at + 9);
      if (tail !== undefined) at = this.writeBlock(at, id, tail, 5);
    }
    return this.bytes.subarray(0, at);
  }

  private writeBlock(at: number, id: number, list: readonly string[], flags: number): number {
    const end = this.encoder.encode(list, this.bytes, this.encoder.begin(this.bytes, at + 9));
    putFrameHeader(this.bytes, at, end - at - 9, 1, flags, id);
    return end;
  }
}

const preface = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]);
const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** What 2048 messages use up. */
const usedWindow = Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, (2048 * 12) >> 8, 0]);

function serverRole(bench: Bench): void {
  const channel = new SinkChannel();
  serveHttp2(channel as unknown as ByteChannel, preface, {
    limits: { ...defaultLimits, streams: 1000 },
    handler: (exchange) => exchange.respond(200, grpcHeaders, exchange.body.whole(), trailers),
    clock: systemClock,
    scheme: "http",
  });
  const writer = new MessageWriter();
  const path = [":method", "POST", ":scheme", "http", ":path", "/helloworld.Greeter/SayHello", ":authority", "localhost:50051"];
  const head = [...path, "content-type", "application/grpc", "te", "trailers", "user-agent", "bench", "grpc-accept-encoding", "gzip"];
  let nextId = 1;
  bench.add(`server role, ${batch} unary requests and answers`, async () => {
    if (nextId % 4096 === 1) channel.events!.onBytes(usedWindow);
    channel.events!.onBytes(writer.write(nextId, head, undefined));
    nextId += 2 * batch;
    await endOfTurn();
  });
}

class CountingSink implements ResponseSink {
  ends = 0;
  onHead(): void {
    // The head says nothing that is counted.
  }
  onData(): void {
    // Nor does the body.
  }
  onEnd(): void {
    this.ends++;
  }
  onError(): void {
    throw new Error("a request failed");
  }
}

function clientRole(bench: Bench): void {
  const channel = new SinkChannel();
  let connected: (channel: ByteChannel) => void = () => undefined;
  const { connect } = ByteChannel;
  ByteChannel.connect = (_target, events, onReady) => {
    channel.events = events;
    connected = onReady;
    return channel as unknown as ByteChannel;
  };
  const client = new Http2Client({ host: "192.0.2.1", port: 1, clock: systemClock });
  const writer = new MessageWriter();
  const sink = new CountingSink();
  const template = {
    ...({ method: "POST", scheme: "http", authority: "localhost:50051", path: "/helloworld.Greeter/SayHello" } as const),
    headers: ["content-type", "application/grpc", "te", "trailers"],
  };
  const none: string[] = [];
  client.open(template, none, none, sink, Infinity).cancel();
  client.open(template, none, none, new CountingSink(), Infinity);
  ByteChannel.connect = connect;
  connected(channel as unknown as ByteChannel);
  channel.events!.onBytes(preface.subarray(24));
  const response = [":status", "200", "content-type", "application/grpc"];
  let nextId = 3;
  bench.add(`client role, ${batch} unary requests and answers`, async () => {
    if (nextId % 4096 === 3) channel.events!.onBytes(usedWindow);
    for (let i = 0; i < batch; i++) client.open(template, none, none, sink, Infinity).write(message, true);
    channel.events!.onBytes(writer.write(nextId, response, trailers));
    nextId += 2 * batch;
    await endOfTurn();
  });
}

function streamTables(bench: Bench): void {
  interface Entry extends Tabled<Entry> {
    payload: Uint8Array;
  }
  const entry = (id: number): Entry => ({ id, nextInBucket: undefined, payload: new Uint8Array(64) });
  const live = 16;
  const table = new StreamTable<Entry>();
  let id = 1;
  bench.add("1000 streams through a table, 16 at a time", () => {
    for (let i = 0; i < 1000; i++, id += 2) {
      table.add(entry(id));
      const old = table.get(id - 2 * live);
      if (old !== undefined) table.delete(old);
    }
  });
  const map = new Map<number, Entry>();
  let mapId = 1;
  bench.add("1000 streams through a Map, 16 at a time (refused)", () => {
    for (let i = 0; i < 1000; i++, mapId += 2) {
      map.set(mapId, entry(mapId));
      map.delete(mapId - 2 * live);
    }
  });
}

function copies(bench: Bench): void {
  const out = Buffer.alloc(70_000);
  for (const size of [16, 48, 128]) {
    const from = Buffer.alloc(2 * size);
    bench.add(`1000 copies of ${size} bytes by a loop`, () => {
      for (let n = 0; n < 1000; n++) for (let i = 0, at = n; i < size; i++) out[at++] = from[i]!;
    });
    bench.add(`1000 copies of ${size} bytes by set of a view`, () => {
      for (let n = 0; n < 1000; n++) out.set(from.subarray(0, size), n);
    });
  }
}

function heads(bench: Bench): void {
  const fields = [":method", "GET", ":scheme", "https", ":authority", "shop.example", ":path", "/v1/items?page=2", "accept", "*/*"];
  fields.push("user-agent", "Mozilla/5.0 (X11; Linux x86_64)", "accept-encoding", "gzip, br", "accept-language", "de,en;q=0.8");
  fields.push("authorization", "Bearer abcdefghijklmnopqrstuvwxyz", "x-request-id", "0123456789abcdef", "cookie", "a=b", "cookie", "c=d");
  bench.add("1000 heads of ten fields read anew", () => {
    for (let i = 0; i < 1000; i++) readRequest(fields, false);
  });
  bench.add("1000 heads of ten fields found by identity", () => {
    for (let i = 0; i < 1000; i++) readRequest(fields, true);
  });
  const kept = new WeakMap<readonly string[], object>();
  bench.add("1000 fresh lists put into a WeakMap (refused)", () => {
    for (let i = 0; i < 1000; i++) kept.set(["a", "b"], {});
  });
}

export default function (bench: Bench): void {
  serverRole(bench);
  clientRole(bench);
  streamTables(bench);
  copies(bench);
  heads(bench);
}
