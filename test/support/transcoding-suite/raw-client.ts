/**
 * A caller of one port in two forms: HTTP/1.1, byte by byte as the test wrote it, and HTTP/2 by node:http2.
 *
 * Connections are kept, so an answer whose framing is off shows in the next one.
 */
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect, type Socket } from "node:net";
import { within } from "../raw-http1.ts";

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer | undefined;
}

export interface RawReply {
  readonly status: number;
  /** Fields that come several times are joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly trailers: ReadonlyMap<string, string>;
}

const patienceMs = 8000;

export class RawClient {
  private readonly port: number;
  private socket: Socket | undefined;
  private session: ClientHttp2Session | undefined;

  constructor(port: number) {
    this.port = port;
  }

  /** The request as HTTP/1.1; with `content-length` unless the headers frame it otherwise. */
  async http1(request: RawRequest): Promise<RawReply> {
    const { method, target, headers, body } = request;
    const framed = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
    const lines = [`${method} ${target} HTTP/1.1`, "host: test", ...headers.map(([name, value]) => `${name}: ${value}`)];
    if (body !== undefined && !framed) lines.push(`content-length: ${body.length}`);
    const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
    return this.exchange(body === undefined ? head : Buffer.concat([head, body]), method === "HEAD");
  }

  /** Any bytes, and the first answer to them. */
  async exchange(bytes: Buffer, toHead = false): Promise<RawReply> {
    const socket = this.openSocket();
    const reply = new Promise<RawReply>((resolve, reject) => {
      let received = Buffer.alloc(0);
      const done = (settle: () => void): void => {
        socket.off("data", onData).off("close", onClose).off("error", onClose);
        settle();
      };
      const onData = (chunk: Buffer): void => {
        received = Buffer.concat([received, chunk]);
        try {
          const parsed = parseReply(received, toHead);
          if (parsed === undefined) return;
          if (parsed.end < received.length) throw new Error(`bytes behind the answer: ${received.subarray(parsed.end).toString("latin1")}`);
          done(() => resolve(parsed.reply));
        } catch (fault) {
          const error = fault as Error;
          done(() => reject(error));
        }
      };
      const onClose = (): void => done(() => reject(new Error(`closed without a whole answer: ${received.toString("latin1")}`)));
      socket.on("data", onData).on("close", onClose).on("error", onClose);
      socket.write(bytes);
    });
    const answered = await within(patienceMs, reply, () => "no answer over HTTP/1.1");
    if (answered.headers.get("connection") === "close") this.drop();
    return answered;
  }

  async http2({ method, target, headers, body }: RawRequest): Promise<RawReply> {
    const session = this.openSession();
    const fields: Record<string, string | string[]> = { ":method": method, ":path": target, ":authority": "test" };
    for (const [name, value] of headers) {
      const known = fields[name.toLowerCase()];
      fields[name.toLowerCase()] = known === undefined ? value : [known, value].flat();
    }
    const stream = session.request(fields, { endStream: body === undefined });
    const reply = new Promise<RawReply>((resolve, reject) => {
      const chunks: Buffer[] = [];
      let status = 0;
      let head = new Map<string, string>();
      let trailers = new Map<string, string>();
      stream.on("response", (received) => {
        status = received[":status"] ?? 0;
        head = mapOf(received);
      });
      stream.on("trailers", (received) => (trailers = mapOf(received)));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", reject);
      // An answer may be whole before the request is: then the stream is closed by a reset without an error.
      stream.on("close", () => {
        if (status === 0) reject(new Error(`closed without an answer: code ${stream.rstCode}`));
        else resolve({ status, headers: head, body: Buffer.concat(chunks), trailers });
      });
    });
    if (body !== undefined) stream.end(body);
    return within(patienceMs, reply, () => "no answer over HTTP/2");
  }

  close(): void {
    this.drop();
    this.session?.destroy();
  }

  private drop(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private openSocket(): Socket {
    if (this.socket === undefined || this.socket.destroyed || !this.socket.writable) {
      this.socket = connect({ port: this.port, host: "127.0.0.1" });
      this.socket.on("error", () => undefined); // shows in the exchange
    }
    return this.socket;
  }

  private openSession(): ClientHttp2Session {
    if (this.session === undefined || this.session.destroyed || this.session.closed) {
      this.session = connectHttp2(`http://127.0.0.1:${this.port}`);
      this.session.on("error", () => undefined); // shows in the exchange
    }
    return this.session;
  }
}

function mapOf(fields: object): Map<string, string> {
  const entries = Object.entries(fields as Record<string, unknown>).filter(([name]) => !name.startsWith(":"));
  return new Map(entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : String(value)]));
}

/** The final answer in `received` and where it ends; undefined while there is more to come. */
function parseReply(received: Buffer, toHead: boolean): { reply: RawReply; end: number } | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [line, ...fields] = received.toString("latin1", 0, headEnd).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line!)?.[1]);
  if (!(status >= 200)) throw new Error(`not a final answer: ${line!}`);
  const headers = readFields(fields);
  const at = headEnd + 4;
  const none = new Map<string, string>();
  if (toHead || status === 204 || status === 304) return { reply: { status, headers, body: Buffer.alloc(0), trailers: none }, end: at };
  if (headers.get("transfer-encoding") === "chunked") return parseChunked(received, at, status, headers);
  const length = Number(headers.get("content-length"));
  if (!(length >= 0)) throw new Error(`an answer without framing: ${line!}`);
  const end = at + length;
  if (received.length < end) return undefined;
  return { reply: { status, headers, body: received.subarray(at, end), trailers: none }, end };
}

function parseChunked(received: Buffer, start: number, status: number, headers: Map<string, string>) {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = received.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = parseInt(received.toString("latin1", at, lineEnd), 16);
    if (!(size >= 0)) throw new Error("not a chunk size");
    at = lineEnd + 2;
    if (size === 0) {
      const bare = received.toString("latin1", at, at + 2) === "\r\n";
      const end = bare ? at + 2 : received.indexOf("\r\n\r\n", at) + 4;
      if (received.length < at + 2 || end < at + 2) return undefined;
      const trailers = readFields(bare ? [] : received.toString("latin1", at, end - 4).split("\r\n"));
      return { reply: { status, headers, body: Buffer.concat(chunks), trailers }, end };
    }
    if (received.length < at + size + 2) return undefined;
    chunks.push(received.subarray(at, at + size));
    at += size + 2;
  }
}

function readFields(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const known = fields.get(name);
    fields.set(name, known === undefined ? value : `${known}, ${value}`);
  }
  return fields;
}
