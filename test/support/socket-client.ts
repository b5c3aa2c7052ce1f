/**
 * WebSocket clients for tests: `ws` with what came in order, and a bare connection for frames that no client would send.
 *
 * The trap: a raw frame is masked with the key given, all zeros unless said otherwise, so that what goes over the wire can be read.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { WebSocket, type ClientOptions } from "ws";
import { until } from "./until.ts";

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface SocketClient {
  readonly ws: WebSocket;
  /** Messages so far: text as strings, binary as bytes. */
  readonly received: (string | Buffer)[];
  readonly closed: Promise<Closed>;
  send(...frames: (string | Uint8Array)[]): void;
  /** Waits until `count` messages have come. */
  got(count: number): Promise<void>;
}

/** A connection that is open. Rejects with the HTTP status and body of a refusal. */
export async function openSocket(
  port: number,
  path: string,
  protocols: readonly string[] = [],
  options: ClientOptions = {},
): Promise<SocketClient> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols], { perMessageDeflate: false, ...options });
  const received: (string | Buffer)[] = [];
  ws.on("message", (data: Buffer, binary: boolean) => received.push(binary ? data : data.toString()));
  const closed = new Promise<Closed>((resolve) => ws.on("close", (code, reason) => resolve({ code, reason: reason.toString() })));
  await new Promise<void>((resolve, reject) => {
    ws.once("open", resolve);
    ws.once("unexpected-response", (_request, response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => reject(new Refused(response.statusCode ?? 0, body, response.headers)));
    });
    ws.once("error", reject);
  });
  ws.on("error", () => undefined); // shows in the close code
  return {
    ws,
    received,
    closed,
    send: (...frames) => frames.forEach((frame) => ws.send(frame)),
    got: (count) => until(() => received.length >= count, `${count} messages; there are ${received.length}`),
  };
}

/** What an upgrade was answered with in place of the 101. */
export class Refused extends Error {
  readonly status: number;
  readonly body: string;
  readonly headers: NodeJS.Dict<string | string[]>;

  constructor(status: number, body: string, headers: NodeJS.Dict<string | string[]>) {
    super(`${status} ${body}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** One whole exchange: opens, sends, and gives back everything once the server has closed. */
export async function talkSocket(
  port: number,
  path: string,
  protocols: readonly string[],
  frames: readonly (string | Uint8Array)[],
  options: ClientOptions = {},
): Promise<{ readonly received: (string | Buffer)[]; readonly closed: Closed }> {
  const client = await openSocket(port, path, protocols, options);
  client.send(...frames);
  return { received: client.received, closed: await client.closed };
}

export interface RawFrame {
  /** First byte: FIN, RSV and opcode. */
  readonly first: number;
  readonly payload?: Uint8Array | string;
  readonly mask?: readonly [number, number, number, number] | undefined;
  /** In place of the payload's own length. */
  readonly length?: number;
}

/** One frame as bytes. `mask: undefined` leaves the mask out altogether. */
export function rawFrame({ first, payload = "", mask = [0, 0, 0, 0], length }: RawFrame, masked = true): Buffer {
  const body = Buffer.from(payload as string);
  const size = length ?? body.length;
  const head = [first];
  const bit = masked ? 0x80 : 0;
  if (size < 126) head.push(bit | size);
  else if (size < 65_536) head.push(bit | 126, size >> 8, size & 255);
  else
    head.push(
      bit | 127,
      0,
      0,
      Math.floor(size / 2 ** 40) & 255,
      Math.floor(size / 2 ** 32) & 255,
      (size >>> 24) & 255,
      (size >> 16) & 255,
      (size >> 8) & 255,
      size & 255,
    );
  if (masked) head.push(...mask);
  for (let i = 0; i < body.length; i++) body[i]! ^= masked ? mask[i & 3]! : 0;
  return Buffer.concat([Buffer.from(head), body]);
}

export interface RawSocket {
  readonly socket: Socket;
  /** What came behind the 101. */
  readonly bytes: () => Buffer;
  /** The code of the close frame that came; undefined while none has. */
  readonly closeCode: () => number | undefined;
  /** The server has ended the connection. */
  readonly ended: () => boolean;
}

/** A connection that has been upgraded, byte by byte. */
export async function openRaw(port: number, path: string, fields: readonly string[] = []): Promise<RawSocket> {
  const socket = connect({ port, host: "127.0.0.1" });
  let data = Buffer.alloc(0);
  let ended = false;
  socket.on("data", (chunk: Buffer) => (data = Buffer.concat([data, chunk])));
  socket.on("error", () => undefined);
  socket.on("close", () => (ended = true));
  await once(socket, "connect");
  const head = [
    "Host: h",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  ];
  socket.write(`GET ${path} HTTP/1.1\r\n${[...head, ...fields].join("\r\n")}\r\n\r\n`);
  await until(() => data.includes("\r\n\r\n"), "the answer to the upgrade");
  const end = data.indexOf("\r\n\r\n") + 4;
  if (!data.toString("latin1", 0, 12).endsWith("101")) throw new Error(data.toString("latin1", 0, end));
  const bytes = (): Buffer => data.subarray(end);
  return { socket, bytes, ended: () => ended, closeCode: () => closeCodeIn(bytes()) };
}

/** The code of the first close frame; 1005 for one without. */
function closeCodeIn(bytes: Buffer): number | undefined {
  for (let at = 0; at + 2 <= bytes.length;) {
    let length = bytes[at + 1]!;
    let start = at + 2;
    if (length === 126) {
      length = bytes.readUInt16BE(start);
      start += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(start));
      start += 8;
    }
    if ((bytes[at]! & 0x0f) === 8) return length >= 2 ? bytes.readUInt16BE(start) : 1005;
    at = start + length;
  }
  return undefined;
}
