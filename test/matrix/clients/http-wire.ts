/**
 * One HTTP exchange by node's own clients, over HTTP/1.1 or HTTP/2, clear text or TLS, with the body in the caller's hands.
 *
 * The trap: an answer that breaks off is an answer too. It is given back as far as it came, and called broken.
 */
import http from "node:http";
import https from "node:https";
import http2 from "node:http2";
import { certificate } from "../../support/certificate.ts";
import type { Script } from "../script.ts";

export interface WireOptions {
  readonly port: number;
  readonly http: "1.1" | "2";
  readonly tls: boolean;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** It did not come to its end. */
  readonly broken: boolean;
}

/** An exchange under way. */
export class WireCall {
  readonly answer: Promise<WireAnswer>;
  status = 0;
  headers: Record<string, string> = {};
  trailers: Record<string, string> = {};
  over = false;
  private chunks: Buffer[] = [];
  private settle!: (answer: WireAnswer) => void;
  private readonly waiting = new Set<() => void>();
  private readonly sink: { write(bytes: Uint8Array): unknown; end(bytes?: Uint8Array): unknown };
  private readonly leave: () => void;

  constructor(sink: WireCall["sink"], leave: () => void) {
    this.sink = sink;
    this.leave = leave;
    this.answer = new Promise((resolve) => (this.settle = resolve));
  }

  /** What has come of the body. */
  get body(): Buffer {
    return Buffer.concat(this.chunks);
  }

  write(bytes: Uint8Array): void {
    if (!this.over) this.sink.write(bytes);
  }

  end(bytes?: Uint8Array): void {
    if (!this.over) this.sink.end(bytes);
  }

  cancel(): void {
    this.leave();
  }

  /** Waits until `condition` holds or the answer is over. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.over) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }

  onHead(status: number, fields: NodeJS.Dict<string | string[]>): void {
    this.status = status;
    this.headers = texts(fields);
    this.wake();
  }

  onData(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  onEnd(broken: boolean): void {
    if (this.over) return;
    this.over = true;
    const { status, headers, trailers, body } = this;
    this.settle({ status, headers, trailers, body, broken });
    this.wake();
  }
}

/** Tells the backend of `script` when the first answer is there, or the end. */
export function signalAnswer(call: WireCall, { answered }: Script, isThere: () => boolean): void {
  // What cannot be read is told by whoever reads the whole.
  call.until(isThere).then(answered.resolve, () => answered.resolve());
}

export interface WireClient {
  open(method: string, path: string, headers: Readonly<Record<string, string>>): WireCall;
  close(): void;
}

export function createWireClient(options: WireOptions): WireClient {
  return options.http === "2" ? createHttp2(options) : createHttp1(options);
}

function createHttp1({ port, tls }: WireOptions): WireClient {
  const agent = tls ? new https.Agent({ keepAlive: true, ca: certificate, servername: "localhost" }) : new http.Agent({ keepAlive: true });
  return {
    open(method, path, headers) {
      const request = (tls ? https : http).request({ host: "127.0.0.1", port, method, path, headers, agent });
      const call = new WireCall(request, () => request.destroy());
      request.on("error", () => call.onEnd(true));
      request.on("response", (response) => {
        call.onHead(response.statusCode ?? 0, response.headers);
        response.on("data", (chunk: Buffer) => call.onData(chunk));
        response.on("error", () => undefined); // it is not complete then
        response.on("close", () => {
          call.trailers = texts(response.trailers);
          call.onEnd(!response.complete);
        });
      });
      return call;
    },
    close: () => agent.destroy(),
  };
}

function createHttp2({ port, tls }: WireOptions): WireClient {
  const session = http2.connect(`${tls ? "https" : "http"}://127.0.0.1:${port}`, { ca: certificate, servername: "localhost" });
  session.on("error", () => undefined); // shows in the streams
  return {
    open(method, path, headers) {
      const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: false });
      const call = new WireCall(stream, () => stream.close(http2.constants.NGHTTP2_CANCEL));
      let ended = false;
      stream.on("response", (fields) => call.onHead(fields[":status"] ?? 0, fields));
      stream.on("trailers", (fields) => (call.trailers = texts(fields)));
      stream.on("data", (chunk: Buffer) => call.onData(chunk));
      stream.on("end", () => (ended = true));
      stream.on("error", () => undefined); // "close" comes behind it
      stream.on("close", () => call.onEnd(!ended || (stream.rstCode ?? 0) !== 0));
      return call;
    },
    close: () => session.destroy(),
  };
}

function texts(fields: NodeJS.Dict<string | string[] | number>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
}
