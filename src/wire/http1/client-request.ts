/**
 * One request of the client role, from `open` to the last word to its sink.
 *
 * Two traps. It may exist before any connection does: what is written until then waits here. And only what never began to be written is provably
 * unprocessed; a connection that breaks later may have delivered everything.
 */
import { Buffer } from "node:buffer";
import type { ClientStream, RequestTemplate, ResponseSink } from "../http-client.ts";
import type { SwitchedConnection, UpgradeSink } from "../http-upgrade.ts";
import { WireError } from "../wire-error.ts";
import type { ClientConnection } from "./client-connection.ts";
import { writeRequestHead } from "./request-head.ts";

/** Where a request finds its connection. */
export interface RequestOwner {
  readonly windowBytes: number;
  /** Starts the request on a connection, lets it wait for one, or refuses it. */
  place(request: ClientRequest): void;
  /** A request that waits for a connection was given up. */
  onWithdrawn(request: ClientRequest): void;
}

/** How the end of the request's body is told. */
export const BodyFraming = { none: 0, length: 1, chunked: 2 } as const;
export type BodyFraming = (typeof BodyFraming)[keyof typeof BodyFraming];

/** What may wait here, or in a connection, before `write` says to wait. */
export const uploadHighWaterBytes = 64 * 1024;
/** RFC 9110, section 9.2.2. */
const idempotentMethods = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);
/** Without a body they still say that it is empty (RFC 9110, section 8.6). */
const bodyMethods = new Set(["POST", "PUT", "PATCH", "QUERY", "PROPFIND", "PROPPATCH"]);

export class ClientRequest implements ClientStream {
  previousInLine: ClientRequest | undefined = undefined;
  nextInLine: ClientRequest | undefined = undefined;
  inLine = false;
  onDrain: (() => void) | undefined = undefined;
  readonly template: RequestTemplate;
  readonly deadlineMs: number;
  /** When it gives up waiting for a connection. */
  expiresAtMs = Infinity;
  /** The protocol that is asked for. */
  readonly upgrade: string | undefined;
  /** All of the body has been handed in. */
  localDone = false;
  framing: BodyFraming = BodyFraming.none;
  /** Has been on a connection that broke off before it answered anything. */
  retried = false;

  private readonly owner: RequestOwner;
  private readonly headers: readonly string[];
  private readonly more: readonly string[];
  private readonly sink: ResponseSink;
  private connection: ClientConnection | undefined = undefined;
  private begun = false;
  /** The sink has heard the last word, or wants none. */
  private over = false;
  private headText = "";
  private bodiless = false;
  /** Bytes that the body still owes to the length that was said. */
  private owedBytes = 0;
  private waiting: Buffer[] | undefined = undefined;
  private waitingBytes = 0;
  /** A write returned false. */
  private starved = false;
  private unconsumedBytes = 0;

  constructor(
    owner: RequestOwner,
    template: RequestTemplate,
    headers: readonly string[],
    more: readonly string[],
    sink: ResponseSink,
    deadlineMs: number,
    upgrade?: string,
  ) {
    this.owner = owner;
    this.template = template;
    this.headers = headers;
    this.more = more;
    this.sink = sink;
    this.deadlineMs = deadlineMs;
    this.upgrade = upgrade;
  }

  // --- ClientStream

  write(chunk: Uint8Array, end: boolean, prefix?: Uint8Array): boolean {
    if (this.over || this.localDone) return true;
    const sizeBytes = chunk.length + (prefix === undefined ? 0 : prefix.length);
    if (!this.begun) this.begin(end ? sizeBytes : -1);
    if (this.framing === BodyFraming.length && ((this.owedBytes -= sizeBytes) < 0 || (end && this.owedBytes > 0))) {
      this.misframed();
      return true;
    }
    this.localDone = end;
    const { connection } = this;
    if (connection === undefined) {
      if (prefix !== undefined) this.keep(prefix);
      this.keep(chunk);
      return this.roomOf(this.waitingBytes < uploadHighWaterBytes);
    }
    connection.put(this.framing, prefix, chunk);
    if (end) connection.finishUpload(this.framing);
    return this.roomOf(connection.hasRoom);
  }

  end(): void {
    if (this.over || this.localDone) return;
    if (this.owedBytes > 0) return this.misframed();
    this.localDone = true;
    if (!this.begun) this.begin(0);
    else this.connection?.finishUpload(this.framing);
  }

  consumed(sizeBytes: number): void {
    this.unconsumedBytes -= sizeBytes;
    if (this.unconsumedBytes <= this.owner.windowBytes / 2) this.connection?.readOn();
  }

  cancel(): void {
    if (this.over) return;
    this.finish();
    const { connection } = this;
    this.connection = undefined;
    if (connection === undefined) this.owner.onWithdrawn(this);
    else connection.abandon();
  }

  // --- from the pool and the connection

  /** Sent once more, it does no more than sent once (RFC 9112, section 9.3.1). */
  get repeatable(): boolean {
    return !this.retried && this.bodiless && this.upgrade === undefined && idempotentMethods.has(this.template.method);
  }

  /** What is to be written first: the head, with what frames the body. */
  get head(): string {
    return this.headText;
  }

  /** Its head has been written to `connection`, to which everything else goes from now on. */
  attach(connection: ClientConnection): void {
    this.connection = connection;
    const { waiting } = this;
    if (waiting !== undefined) {
      this.waiting = undefined;
      this.waitingBytes = 0;
      for (const chunk of waiting) connection.put(this.framing, undefined, chunk);
    }
    if (this.localDone) connection.finishUpload(this.framing);
    if (connection.hasRoom) this.onRoom();
  }

  detach(): void {
    this.connection = undefined;
  }

  /** The connection can take more. */
  onRoom(): void {
    if (!this.starved) return;
    this.starved = false;
    this.onDrain?.();
  }

  onHead(status: number, headers: readonly string[]): void {
    this.sink.onHead(status, headers);
  }

  /** @returns false when no more should be read for now */
  onChunk(chunk: Uint8Array): boolean {
    this.unconsumedBytes += chunk.length;
    this.sink.onData(chunk);
    return this.unconsumedBytes < this.owner.windowBytes;
  }

  onAnswered(trailers: readonly string[] | undefined): void {
    this.finish();
    this.sink.onEnd(trailers);
  }

  onSwitched(headers: readonly string[], connection: SwitchedConnection): void {
    this.finish();
    (this.sink as UpgradeSink).onSwitch(headers, connection);
  }

  fail(error: WireError): void {
    if (this.over) return;
    this.finish();
    this.sink.onError(error);
  }

  // --- inside

  /** The head can be written when it is known how the body will be framed. @param sizeBytes -1 when its size is not known */
  private begin(sizeBytes: number): void {
    this.begun = true;
    const { template } = this;
    const head = writeRequestHead(template, this.headers, this.more, this.upgrade);
    if (head === undefined || (sizeBytes >= 0 && head.contentLength >= 0 && head.contentLength !== sizeBytes)) {
      const why = head === undefined ? "head cannot be sent over HTTP/1.1" : "body is not as long as it says";
      this.failSoon(new WireError("protocol", `the request's ${why}`, { unprocessed: true }));
      return;
    }
    const lengthBytes = sizeBytes >= 0 ? sizeBytes : head.contentLength;
    this.bodiless = lengthBytes === 0;
    if (lengthBytes < 0) {
      this.framing = BodyFraming.chunked;
      this.headText = `${head.text}transfer-encoding: chunked\r\n\r\n`;
    } else if (lengthBytes > 0 || bodyMethods.has(template.method)) {
      this.framing = BodyFraming.length;
      this.headText = `${head.text}content-length: ${lengthBytes}\r\n\r\n`;
    } else this.headText = `${head.text}\r\n`;
    this.owedBytes = Math.max(0, lengthBytes);
    this.owner.place(this);
  }

  /** What was said of the body's length turns out wrong: the server would take the next request for a part of this one, or wait for ever. */
  private misframed(): void {
    const { connection } = this;
    this.detach();
    connection?.abandon();
    this.failSoon(new WireError("reset", "the request's body is not as long as it says", { unprocessed: connection === undefined }));
  }

  /** Who calls `write` should not hear of the failure from inside it. */
  private failSoon(error: WireError): void {
    queueMicrotask(() => this.fail(error));
  }

  private keep(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    (this.waiting ??= []).push(Buffer.from(chunk));
    this.waitingBytes += chunk.length;
  }

  private roomOf(room: boolean): boolean {
    this.starved = !room && !this.localDone;
    return !this.starved;
  }

  private finish(): void {
    this.over = true;
    this.waiting = undefined;
    this.onRoom();
  }
}
