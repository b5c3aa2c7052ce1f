/**
 * One request of the node:http2 client, from the moment it is asked for: it may still wait for a connection, and keeps what is written until
 * then. The sink hears exactly one of onEnd and onError, and nothing after {@link NodeClientStream.cancel}.
 */
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import type { Timer } from "../../core/clock.ts";
import type { ClientStream, RequestTemplate, ResponseSink } from "../http-client.ts";
import { WireError } from "../wire-error.ts";
import { joined, toNodeFields, withoutPseudo } from "./node-fields.ts";

const refusedStream = 7;
/** What may wait here before `write` says to wait. */
const highWaterBytes = 64 * 1024;

/** The client that owns the streams; told when one leaves. */
interface StreamOwner {
  onStreamOver(stream: NodeClientStream): void;
}

export class NodeClientStream implements ClientStream {
  onDrain: (() => void) | undefined;
  /** Fails the request when it waits for a connection for too long. */
  deadline: Timer | undefined;
  private readonly owner: StreamOwner;
  private readonly template: RequestTemplate;
  private readonly headers: readonly string[];
  private readonly more: readonly string[];
  private sink: ResponseSink | undefined;
  private stream: ClientHttp2Stream | undefined;
  private kept: Buffer[] = [];
  private keptBytes = 0;
  private ended = false;
  private told = false;
  private trailers: readonly string[] | undefined;
  private unconsumedBytes = 0;
  private readonly windowBytes: number;
  /** To cancel by: `close(code)` would first send END_STREAM, and half a body would pass for a whole one. */
  private readonly cancelling = new AbortController();

  constructor(
    owner: StreamOwner,
    template: RequestTemplate,
    headers: readonly string[],
    more: readonly string[],
    sink: ResponseSink,
    windowBytes: number,
  ) {
    this.owner = owner;
    this.template = template;
    this.headers = headers;
    this.more = more;
    this.sink = sink;
    this.windowBytes = windowBytes;
  }

  /** Sends the request and what was kept. */
  start(session: ClientHttp2Session): void {
    const { method, scheme, authority, path, headers } = this.template;
    const pseudo = [":method", method, ":scheme", scheme, ":authority", authority, ":path", path];
    this.deadline?.cancel();
    const endStream = this.ended && this.keptBytes === 0;
    let stream: ClientHttp2Stream;
    try {
      const { signal } = this.cancelling;
      stream = this.stream = session.request(toNodeFields(pseudo, headers, this.headers, this.more), { endStream, signal });
    } catch (refusal) {
      this.fail(new WireError("protocol", "request fields that cannot be sent", { unprocessed: true, cause: refusal }));
      return;
    }
    stream.on("response", (fields, _flags, raw: unknown) => this.onHead(fields[":status"] ?? 0, raw as string[]));
    stream.on("data", (chunk: Buffer) => this.onData(chunk));
    stream.on("trailers", (_fields, _flags, raw: unknown) => (this.trailers = raw as string[]));
    stream.on("end", () => this.onEnd());
    stream.on("drain", () => this.drain());
    // The close that follows tells the sink, with the code.
    let cause: Error | undefined;
    stream.on("error", (error: Error) => (cause = error));
    stream.on("close", () => this.onClose(cause));
    for (const chunk of this.kept) stream.write(chunk);
    this.kept = [];
    this.keptBytes = 0;
    if (this.ended && !endStream) stream.end();
    this.drain();
  }

  write(chunk: Uint8Array, end: boolean, prefix?: Uint8Array): boolean {
    if (this.ended || this.sink === undefined) return true;
    const bytes = joined(chunk, prefix);
    let room = true;
    if (this.stream === undefined) {
      if (bytes.length > 0) this.kept.push(bytes);
      this.keptBytes += bytes.length;
      room = this.keptBytes < highWaterBytes;
    } else if (!this.stream.destroyed) room = this.stream.write(bytes);
    if (end) this.end();
    else this.told = !room;
    return room;
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.stream !== undefined && !this.stream.destroyed) this.stream.end();
  }

  consumed(sizeBytes: number): void {
    this.unconsumedBytes -= sizeBytes;
    if (this.unconsumedBytes < this.windowBytes / 2 && this.stream?.isPaused() === true) this.stream.resume();
  }

  cancel(): void {
    if (this.sink === undefined) return;
    this.leave();
    this.cancelling.abort();
  }

  /** Tells the sink, once, that there will be no (more) answer. */
  fail(error: WireError): void {
    const { sink } = this;
    if (sink === undefined) return;
    this.leave();
    sink.onError(error);
  }

  /** The response goes nowhere any more. */
  private leave(): void {
    this.sink = undefined;
    this.kept = [];
    this.keptBytes = 0;
    this.deadline?.cancel();
    if (this.stream === undefined) this.owner.onStreamOver(this);
    else if (this.stream.isPaused()) this.stream.resume();
  }

  private onHead(status: number, raw: readonly string[]): void {
    this.sink?.onHead(status, withoutPseudo(raw));
  }

  private onData(chunk: Buffer): void {
    if (this.sink === undefined) return;
    this.unconsumedBytes += chunk.length;
    if (this.unconsumedBytes >= this.windowBytes) this.stream?.pause();
    this.sink.onData(chunk);
  }

  private onEnd(): void {
    const { sink } = this;
    // A reset ends the readable side too; then the close is what counts.
    if (sink === undefined || (this.stream?.rstCode ?? 0) !== 0) return;
    this.sink = undefined;
    sink.onEnd(this.trailers);
  }

  private onClose(cause: Error | undefined): void {
    const code = this.stream?.rstCode ?? 0;
    const refused = code === refusedStream;
    const kind = refused ? "refused" : "reset";
    this.owner.onStreamOver(this);
    this.fail(new WireError(kind, "the stream was reset", { unprocessed: refused, http2Code: code, cause }));
  }

  private drain(): void {
    if (!this.told) return;
    this.told = false;
    this.onDrain?.();
  }
}
