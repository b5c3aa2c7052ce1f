/**
 * Header blocks against nghttp2, by way of node:http2 over a raw socket: ours must be understood by it, its must be understood by us, in both
 * roles and over many blocks of one connection, so that the dynamic tables are at work.
 */
import assert from "node:assert/strict";
import * as http2 from "node:http2";
import * as net from "node:net";
import { once } from "node:events";
import fc from "fast-check";
import { HpackDecoder } from "../../src/wire/http2/hpack/hpack-decoder.ts";
import { HpackEncoder } from "../../src/wire/http2/hpack/hpack-encoder.ts";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const frame = { headers: 1, settings: 4 } as const;
const endStream = 1;
const endHeaders = 4;
const acknowledged = 1;

type Fields = readonly (readonly [name: string, value: string])[];

/** The least of HTTP/2 that carries header blocks: one HEADERS frame a block, no bodies. */
class HeaderSocket {
  readonly encoder = new HpackEncoder({ maxTableBytes: 4096 });
  readonly decoder: HpackDecoder;
  private readonly socket: net.Socket;
  private readonly onBlock: (list: readonly string[], stream: number) => void;
  private waiting: Buffer;

  constructor(socket: net.Socket, tableBytes: number, skipBytes: number, onBlock: (list: readonly string[], stream: number) => void) {
    this.socket = socket;
    this.onBlock = onBlock;
    this.waiting = Buffer.alloc(0);
    this.decoder = new HpackDecoder({ maxTableBytes: tableBytes, maxListBytes: 1 << 20, maxFields: 1000 });
    let skip = skipBytes;
    socket.on("data", (bytes: Buffer) => {
      this.waiting = Buffer.concat([this.waiting, bytes.subarray(Math.min(skip, bytes.length))]);
      skip = Math.max(0, skip - bytes.length);
      try {
        this.readFrames();
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(1, 0);
    settings.writeUInt32BE(tableBytes, 2);
    this.send(frame.settings, 0, 0, settings);
  }

  sendBlock(stream: number, ...lists: readonly (readonly string[])[]): void {
    const out = Buffer.alloc(lists.reduce((sum, list) => sum + this.encoder.bound(list), 0));
    let at = this.encoder.begin(out, 0);
    for (const list of lists) at = this.encoder.encode(list, out, at);
    this.send(frame.headers, endStream | endHeaders, stream, out.subarray(0, at));
  }

  private send(type: number, flags: number, stream: number, payload: Buffer): void {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    this.socket.write(Buffer.concat([head, payload]));
  }

  private readFrames(): void {
    while (this.waiting.length >= 9) {
      const length = this.waiting.readUIntBE(0, 3);
      if (this.waiting.length < 9 + length) return;
      const [type, flags, stream] = [this.waiting[3], this.waiting[4]!, this.waiting.readUInt32BE(5)];
      const payload = Buffer.from(this.waiting.subarray(9, 9 + length));
      this.waiting = this.waiting.subarray(9 + length);
      if (type === frame.settings && (flags & acknowledged) === 0) this.onSettings(payload);
      if (type === frame.headers) this.onHeaders(payload, flags, stream);
    }
  }

  private onSettings(payload: Buffer): void {
    for (let i = 0; i < payload.length; i += 6)
      if (payload.readUInt16BE(i) === 1) this.encoder.setPeerTableSize(payload.readUInt32BE(i + 2));
    this.send(frame.settings, acknowledged, 0, Buffer.alloc(0));
  }

  private onHeaders(payload: Buffer, flags: number, stream: number): void {
    assert.ok((flags & endHeaders) !== 0, "blocks of this test fit one frame");
    const list = this.decoder.decode(payload, (flags & 0x20) !== 0 ? 5 : 0, payload.length);
    payload.fill(0xa5);
    this.onBlock(list, stream);
  }
}

// Values as nghttp2 lets them pass: visible characters and bytes above them, no space at the ends.
const visible = fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x7f);
const text = fc.string({ unit: visible.map((code) => String.fromCharCode(code)), maxLength: 60 });
const someValue = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("", "1", "two", "application/grpc+proto", "b".repeat(200)) },
  { weight: 1, arbitrary: text },
);
const someName = fc.constantFrom(
  "x-a",
  "x-b",
  "x-c",
  "accept",
  "cache-control",
  "authorization",
  "traceparent",
  "x-request-id",
  "x-api-key",
  "server",
);
const fields: fc.Arbitrary<Fields> = fc.uniqueArray(fc.tuple(someName, someValue), { maxLength: 8, selector: ([name]) => name });
/** Every message three times over, so that settled tables and cached blocks are at work. */
const messages = fc.array(fields, { minLength: 1, maxLength: 10 }).map((some) => [...some, ...some, ...some]);
const tableBytes = fc.constantFrom(0, 64, 4096, 16384);

const flatLists = new WeakMap<Fields, readonly string[]>();

/** The same list for the same message: the encoder knows it again by identity. */
function flat(message: Fields): readonly string[] {
  const list = flatLists.get(message) ?? message.flat();
  flatLists.set(message, list);
  return list;
}

const requestPseudo = [":method", "GET", ":scheme", "http", ":authority", "localhost", ":path", "/echo"];

/** Pairs in a fixed order, without what node adds. */
function sorted(list: readonly string[]): string {
  const pairs: string[] = [];
  for (let i = 0; i < list.length; i += 2) if (!/^:|^date$/.test(list[i]!)) pairs.push(`${list[i]}: ${list[i + 1]}`);
  return pairs.sort().join("\n");
}

const expected = (sent: Fields): string => sorted(sent.flat());

describe("HPACK against node:http2", function () {
  this.timeout(20_000);

  it("as client: our requests arrive, and we understand the answers", async () => {
    const property = fc.asyncProperty(messages, tableBytes, tableBytes, async (sent, ours, theirs) => {
      const server = http2.createServer({ settings: { headerTableSize: theirs } });
      const seen: string[] = [];
      const sessions: http2.ServerHttp2Session[] = [];
      server.on("session", (session) => sessions.push(session));
      server.on("stream", (stream, _headers, _flags, raw) => {
        const list = raw;
        seen.push(sorted(list));
        const echo: http2.OutgoingHttpHeaders = { ":status": 200 };
        for (let i = 0; i < list.length; i += 2) if (!list[i]!.startsWith(":")) echo[list[i]!] = list[i + 1];
        stream.respond(echo, { endStream: true });
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const socket = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
      try {
        const answers: string[] = [];
        await new Promise<void>((resolve, reject) => {
          socket.on("error", reject).on("close", () => reject(new Error(`closed after ${answers.length} answers`)));
          socket.write(preface);
          const wire = new HeaderSocket(socket, ours, 0, (list) => {
            answers.push(sorted(list));
            if (answers.length === sent.length) resolve();
            else ask();
          });
          const ask = (): void => wire.sendBlock(answers.length * 2 + 1, requestPseudo, flat(sent[answers.length]!));
          ask();
        });
        assert.deepEqual(seen, sent.map(expected));
        assert.deepEqual(answers, sent.map(expected));
      } finally {
        socket.removeAllListeners("close");
        socket.destroy();
        for (const session of sessions) session.destroy();
        server.close();
      }
    });
    await fc.assert(property, { numRuns: 40 });
  });

  it("as server: we understand its requests, and our answers arrive", async () => {
    const property = fc.asyncProperty(messages, tableBytes, tableBytes, async (sent, ours, theirs) => {
      const seen: string[] = [];
      const sockets: net.Socket[] = [];
      let failure: Error | undefined;
      const server = net.createServer((socket) => {
        sockets.push(socket);
        socket.on("error", (error) => (failure = error));
        const status = [":status", "200"];
        const wire: HeaderSocket = new HeaderSocket(socket, ours, preface.length, (list, stream) => {
          seen.push(sorted(list));
          const index = list.indexOf("x-number");
          wire.sendBlock(stream, status, flat(sent[Number(list[index + 1])]!));
        });
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const port = (server.address() as net.AddressInfo).port;
      const session = http2.connect(`http://127.0.0.1:${port}`, { settings: { headerTableSize: theirs } });
      try {
        const answers: string[] = [];
        for (const [number, one] of sent.entries()) {
          const request = session.request({ ":path": "/", "x-number": String(number), ...Object.fromEntries(one) });
          request.on("response", (_headers, _flags, raw: unknown) => answers.push(sorted(raw as string[])));
          request.resume().end();
          await once(request, "close");
          if (failure !== undefined) throw failure;
        }
        assert.deepEqual(
          seen,
          sent.map((one, number) => sorted([...one.flat(), "x-number", String(number)])),
        );
        assert.deepEqual(answers, sent.map(expected));
      } finally {
        session.destroy();
        for (const socket of sockets) socket.destroy();
        server.close();
      }
    });
    await fc.assert(property, { numRuns: 40 });
  });
});
