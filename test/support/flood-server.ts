/**
 * A gRPC backend without limits: methods that answer by a stream send as many bytes as they are told to, those that take one drop what they
 * get. It decodes nothing and keeps nothing, so what memory a test sees growing is not its own.
 */
import { createServer, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

export interface Flood {
  /** Bytes of messages that one stream carries. */
  readonly totalBytes: number;
  /** Bytes of text or data in one message. */
  readonly messageBytes: number;
  /** A slow reader rests so long behind each so many bytes. */
  readonly restMs: number;
  readonly restEveryBytes: number;
}

/** A field of bytes or text, number below 16. */
function field(number: number, content: Uint8Array): Buffer {
  const length: number[] = [];
  let rest = content.length;
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length, rest]), content]);
}

export function enveloped(message: Uint8Array): Buffer {
  const envelope = Buffer.alloc(5 + message.length);
  envelope.writeUInt32BE(message.length, 1);
  envelope.set(message, 5);
  return envelope;
}

/** dragoman.transcoding.v1.Note with a text. */
export function note(messageBytes: number): Buffer {
  return field(2, Buffer.alloc(messageBytes, "x"));
}

/** google.api.HttpBody. */
function httpBody(messageBytes: number): Buffer {
  return Buffer.concat([field(1, Buffer.from("image/png")), field(2, Buffer.alloc(messageBytes, "x"))]);
}

export class FloodServer {
  private readonly server = createServer();
  private readonly sessions = new Set<Http2Session>();
  /** What streams that begin from here on are like. */
  flood: Flood;
  /** Bytes of all requests so far. */
  receivedBytes = 0;

  private constructor(flood: Flood) {
    this.flood = flood;
    this.server.on("session", (session) => {
      this.sessions.add(session);
      session.setLocalWindowSize(1 << 20);
      session.on("error", () => undefined).on("close", () => this.sessions.delete(session));
    });
    this.server.on("stream", (stream, headers) => {
      stream.on("error", () => undefined);
      const path = headers[":path"]!;
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      if (/\/(List|Download)$/.test(path)) this.send(stream, path.endsWith("List") ? note : httpBody);
      else this.receive(stream);
    });
  }

  static async start(flood: Flood): Promise<FloodServer> {
    const it = new FloodServer(flood);
    await new Promise<void>((resolve) => it.server.listen(0, "127.0.0.1", resolve));
    return it;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private send(stream: ServerHttp2Stream, message: (messageBytes: number) => Buffer): void {
    const { totalBytes, messageBytes } = this.flood;
    const bytes = enveloped(message(messageBytes));
    let left = Math.ceil(totalBytes / messageBytes);
    stream.resume();
    const more = (): void => {
      while (left > 0 && !stream.destroyed) {
        left--;
        if (!stream.write(bytes)) return void stream.once("drain", more);
      }
      stream.end();
    };
    more();
  }

  private receive(stream: ServerHttp2Stream): void {
    const rest = new Rest(this.flood);
    stream.on("data", (chunk: Buffer) => {
      this.receivedBytes += chunk.length;
      rest.after(chunk.length, stream);
    });
    stream.on("end", () => stream.end(enveloped(Buffer.alloc(0))));
  }
}

/** Makes a slow reader of a stream. */
export class Rest {
  private readonly flood: Flood;
  private bytes = 0;

  constructor(flood: Flood) {
    this.flood = flood;
  }

  after(bytes: number, stream: { pause(): unknown; resume(): unknown }): void {
    const { restMs, restEveryBytes } = this.flood;
    this.bytes += bytes;
    if (restMs === 0 || this.bytes < restEveryBytes) return;
    this.bytes = 0;
    stream.pause();
    setTimeout(() => stream.resume(), restMs);
  }
}
