/**
 * One request of an HTTP/2 connection and the answer to it.
 *
 * The trap: the answer may be complete before the request is. The stream is then reset with NO_ERROR, which tells the client to stop sending
 * and to keep the answer (RFC 9113, section 8.1).
 */
import { Metadata } from "../../core/metadata.ts";
import type { Exchange, Peer, RequestHead } from "../exchange.ts";
import { WireError } from "../wire-error.ts";
import { noFields } from "./frame-sender.ts";
import { Http2Stream } from "./http2-stream.ts";
import { RequestBody, type BodySource } from "./request-body.ts";
import type { RequestFields } from "./request-fields.ts";
import { lengthList, statusList } from "./response-lists.ts";
import type { ServerConnection } from "./server-connection.ts";

class Http2RequestHead implements RequestHead {
  readonly version = "2";
  readonly method: string;
  readonly target: string;
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly headers: Metadata;
  readonly contentLength: number;
  readonly acceptsTrailers: boolean;
  readonly upgrade = undefined;

  constructor(fields: RequestFields, scheme: "http" | "https") {
    this.method = fields.method;
    this.target = fields.target;
    this.scheme = scheme;
    this.authority = fields.authority;
    this.headers = Metadata.share(fields.headers);
    this.contentLength = fields.contentLength;
    this.acceptsTrailers = fields.acceptsTrailers;
  }
}

const waiting = 0;
const started = 1;
const finished = 2;

export class ServerStream extends Http2Stream implements Exchange, BodySource {
  nextInBucket: ServerStream | undefined = undefined;
  readonly head: RequestHead;
  readonly arrivedAtMs: number;
  readonly body: RequestBody = new RequestBody(this);
  private readonly connection: ServerConnection;
  private state = waiting;
  private broken: WireError | undefined = undefined;
  /** The client sends the body only after "100 Continue" (RFC 9110, section 10.1.1). */
  private expectsContinue: boolean;
  /** The status or the method forbids a body. */
  private silent = false;
  private abortListener: ((reason: WireError) => void) | undefined = undefined;
  private drainWaiter: PromiseWithResolvers<void> | undefined = undefined;

  constructor(connection: ServerConnection, fields: RequestFields, scheme: "http" | "https", arrivedAtMs: number) {
    super();
    this.connection = connection;
    this.head = new Http2RequestHead(fields, scheme);
    this.arrivedAtMs = arrivedAtMs;
    this.expectsContinue = fields.expectsContinue;
  }

  get peer(): Peer {
    return this.connection.peer;
  }

  get open(): boolean {
    return this.state !== finished && !this.closed;
  }

  respond(status: number, headers: readonly string[], body: Uint8Array | undefined, trailers?: readonly string[]): void {
    if (this.state !== waiting || this.closed) return;
    const { sender } = this.connection;
    this.state = finished;
    this.quietenFor(status);
    const sized = body !== undefined && trailers === undefined && status !== 204 && status !== 304;
    const content = body === undefined || body.length === 0 || this.silent ? undefined : body;
    const end = trailers === undefined;
    sender.sendHead(this, statusList(status), headers, sized ? lengthList(body.length) : noFields, content === undefined && end);
    if (content !== undefined) sender.sendData(this, undefined, content, end);
    if (trailers !== undefined && !this.closed) sender.sendEnd(this, trailers);
  }

  start(status: number, headers: readonly string[], contentLength = -1): void {
    if (this.state !== waiting || this.closed) return;
    this.state = started;
    this.quietenFor(status);
    const length = contentLength < 0 || status === 204 || status === 304 ? noFields : lengthList(contentLength);
    this.connection.sender.sendHead(this, statusList(status), headers, length, false);
  }

  write(chunk: Uint8Array, prefix?: Uint8Array): boolean {
    if (this.state !== started || this.closed || this.silent) return true;
    return this.connection.sender.sendData(this, prefix, chunk, false);
  }

  drained(): Promise<void> {
    if (!this.open || !this.starved) return Promise.resolve();
    return (this.drainWaiter ??= Promise.withResolvers<void>()).promise;
  }

  finish(trailers?: readonly string[]): void {
    if (this.state !== started || this.closed) return;
    this.state = finished;
    this.connection.sender.sendEnd(this, trailers);
  }

  abort(http2Code: number): void {
    if (this.closed) return;
    this.state = finished;
    this.connection.resetStream(this, http2Code);
    this.body.fail(new WireError("closed", "the exchange was broken off"));
  }

  onAbort(listener: (reason: WireError) => void): void {
    if (this.broken !== undefined) listener(this.broken);
    else this.abortListener = listener;
  }

  // -- What the connection tells ----------------------------------------------------------------------------------------------------

  onWritable(): void {
    this.drainWaiter?.resolve();
    this.drainWaiter = undefined;
  }

  onChunk(chunk: Uint8Array): void {
    this.expectsContinue = false;
    this.body.push(chunk);
  }

  onRemoteEnd(trailers: readonly string[] | undefined): void {
    this.body.end(trailers === undefined ? undefined : Metadata.share(trailers));
  }

  onFailure(error: WireError): void {
    this.broken = error;
    this.body.fail(error);
    const listener = this.abortListener;
    this.abortListener = undefined;
    if (this.state !== finished || this.hasUnsent) listener?.(error);
  }

  /** The answer is complete and the rest of the request is not wanted. */
  leaveBody(): void {
    this.body.fail(new WireError("closed", "the request was answered before its body was read"));
  }

  onClosed(): void {
    this.body.release();
    this.drainWaiter?.resolve();
    this.drainWaiter = undefined;
  }

  onBodyTaken(sizeBytes: number): void {
    this.connection.creditStream(this, sizeBytes);
  }

  onBodyWanted(): void {
    if (!this.expectsContinue || this.state !== waiting || this.closed) return;
    this.expectsContinue = false;
    this.connection.sender.sendHead(this, statusList(100), noFields, noFields, false);
  }

  private quietenFor(status: number): void {
    this.silent = this.head.method === "HEAD" || status === 204 || status === 304;
  }
}
