/**
 * What both roles know of a stream: its half-closed sides, its two windows and what waits to be sent (RFC 9113, sections 5.1 and 5.2).
 *
 * A lean record more than an object: the sender and the connection write its fields, the roles' subclasses give the events a meaning.
 * The trap: `closed` may become true inside any event, so look at it again after calling out.
 */
import type { WireError } from "../wire-error.ts";
import { ByteQueue } from "./byte-queue.ts";

/** The field lists that make up one header block; the lists are kept by identity, so they must not change. */
export interface HeadLists {
  readonly first: readonly string[];
  readonly second: readonly string[];
  readonly third: readonly string[];
}

export abstract class Http2Stream {
  id = 0;
  /** END_STREAM was sent, or will be with what waits. Nothing more may be handed in. */
  localDone = false;
  /** END_STREAM was sent. */
  localEnded = false;
  /** END_STREAM was received. */
  remoteEnded = false;
  /** No longer in the connection's table. */
  closed = false;

  // Sending: written by FrameSender only.
  sendWindowBytes = 0;
  waitingHead: HeadLists | undefined = undefined;
  waiting: ByteQueue | undefined = undefined;
  waitingTrailers: readonly string[] | undefined = undefined;
  /** A write returned false: tell it when there is room again. */
  starved = false;
  queued = false;
  previousReady: Http2Stream | undefined = undefined;
  nextReady: Http2Stream | undefined = undefined;

  // Receiving: written by the connection only.
  receiveWindowBytes = 0;
  /** Consumed by us, not yet given back to the peer. */
  uncreditedBytes = 0;
  /** Body length by content-length; -1 when not declared. */
  declaredBytes = -1;
  receivedBytes = 0;
  /** Since when the peer has been what it waits for; Infinity while something moves. */
  stalledSinceMs = Infinity;

  /** Bytes handed in that wait for a window or the connection. */
  get waitingBytes(): number {
    return this.waiting === undefined ? 0 : this.waiting.sizeBytes;
  }

  /** What is handed in next has to queue behind something. */
  get hasQueue(): boolean {
    return this.waitingHead !== undefined || (this.waiting !== undefined && this.waiting.sizeBytes > 0);
  }

  /** Something was handed in that has not been sent. */
  get hasUnsent(): boolean {
    return this.hasQueue || (this.localDone && !this.localEnded);
  }

  queueBytes(): ByteQueue {
    return (this.waiting ??= new ByteQueue());
  }

  /** There is room for more after a write that returned false. */
  abstract onWritable(): void;
  /** A piece of body, owned by the stream. */
  abstract onChunk(chunk: Uint8Array): void;
  /** The peer ended its side. */
  abstract onRemoteEnd(trailers: readonly string[] | undefined): void;
  /** The stream has left the connection's table, for whatever reason; `onFailure` follows when it was not complete. */
  abstract onClosed(): void;
  /** The stream ended before both sides were done; it is closed already. */
  abstract onFailure(error: WireError): void;
}
