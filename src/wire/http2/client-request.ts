/**
 * One request of the client role, from `open` to the last word to its sink.
 *
 * The trap: it may exist before any connection does. What is written until then waits in the stream's own queue, and moves with it when a
 * connection takes the request over.
 */
import type { Timer } from "../../core/clock.ts";
import type { ClientStream, RequestTemplate, ResponseSink } from "../http-client.ts";
import type { WireError } from "../wire-error.ts";
import type { ClientConnection } from "./client-connection.ts";
import { errorCode } from "./frame.ts";
import { Http2Stream } from "./http2-stream.ts";

/** Where a request waits for a connection. */
export interface WaitingRoom {
  /** A waiting request was cancelled. */
  onWithdrawn(request: ClientRequest): void;
}

/** What may wait in a request without connection before `write` says to wait. */
const highWaterBytes = 64 * 1024;

export class ClientRequest extends Http2Stream implements ClientStream {
  nextInBucket: ClientRequest | undefined = undefined;
  previousInLine: ClientRequest | undefined = undefined;
  nextInLine: ClientRequest | undefined = undefined;
  inLine = false;
  onDrain: (() => void) | undefined = undefined;
  readonly template: RequestTemplate;
  readonly headers: readonly string[];
  readonly more: readonly string[];
  readonly deadlineMs: number;
  /** Set while the request waits for a connection until `deadlineMs`. */
  deadlineTimer: Timer | undefined = undefined;
  /** The response head has come; DATA may. */
  headSeen = false;

  private readonly sink: ResponseSink;
  private readonly room: WaitingRoom;
  private connection: ClientConnection | undefined = undefined;
  /** The sink has heard the last word, or wants none. */
  private over = false;
  /** Handed to the sink and not given back. */
  private heldBytes = 0;

  constructor(
    room: WaitingRoom,
    template: RequestTemplate,
    headers: readonly string[],
    more: readonly string[],
    sink: ResponseSink,
    deadlineMs: number,
  ) {
    super();
    this.room = room;
    this.template = template;
    this.headers = headers;
    this.more = more;
    this.sink = sink;
    this.deadlineMs = deadlineMs;
  }

  /** The connection has taken the request over; it goes by its windows from here on. */
  attach(connection: ClientConnection): void {
    this.connection = connection;
    this.deadlineTimer?.cancel();
    this.deadlineTimer = undefined;
  }

  write(chunk: Uint8Array, end: boolean, prefix?: Uint8Array): boolean {
    if (this.over || this.localDone) return true;
    const { connection } = this;
    if (connection !== undefined) return this.closed || connection.sender.sendData(this, prefix, chunk, end);
    const queue = this.queueBytes();
    if (prefix !== undefined) queue.push(prefix, 0, prefix.length);
    queue.push(chunk, 0, chunk.length);
    this.localDone = end;
    this.starved = !end && queue.sizeBytes >= highWaterBytes;
    return !this.starved;
  }

  end(): void {
    if (this.over || this.localDone) return;
    this.localDone = true;
    if (this.connection !== undefined && !this.closed) this.connection.sender.sendEnd(this, undefined);
  }

  consumed(sizeBytes: number): void {
    const given = Math.min(sizeBytes, this.heldBytes);
    this.heldBytes -= given;
    if (given > 0) this.connection?.creditStream(this, given);
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    if (this.connection === undefined) this.room.onWithdrawn(this);
    else this.connection.resetStream(this, errorCode.cancel);
  }

  // -- What the connection tells ----------------------------------------------------------------------------------------------------

  onHead(status: number, headers: readonly string[]): void {
    this.headSeen = true;
    if (!this.over) this.sink.onHead(status, headers);
  }

  onWritable(): void {
    if (!this.over) this.onDrain?.();
  }

  onChunk(chunk: Uint8Array): void {
    if (!this.headSeen) {
      this.connection!.breakStream(this, errorCode.protocolError, "DATA before the response's head");
      return;
    }
    this.heldBytes += chunk.length;
    this.sink.onData(chunk);
  }

  onRemoteEnd(trailers: readonly string[] | undefined): void {
    if (this.over) return;
    this.over = true;
    // The answer is complete, so nobody needs the rest of the request.
    if (!this.closed) this.connection!.resetStream(this, errorCode.cancel);
    this.sink.onEnd(trailers);
  }

  onFailure(error: WireError): void {
    if (this.over) return;
    this.over = true;
    this.sink.onError(error);
  }

  onClosed(): void {
    // A sink that keeps the last bytes must not keep the connection's window with them.
    const { heldBytes } = this;
    this.heldBytes = 0;
    if (heldBytes > 0) this.connection!.credit(heldBytes);
  }
}
