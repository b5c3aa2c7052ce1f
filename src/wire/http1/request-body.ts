/**
 * The body of one request: bytes collected as they arrive, in one buffer, until somebody takes them.
 *
 * The trap: chunks of the wire are merged, so that a body of many one-byte chunks costs its bytes and no more; nobody may read meaning
 * into where one read ends and the next begins.
 */
import { Buffer } from "node:buffer";
import type { Metadata } from "../../core/metadata.ts";
import { noteOutsideMemory } from "../../core/outside-memory.ts";
import type { BodyReader } from "../exchange.ts";
import type { WireError } from "../wire-error.ts";

/** Hears when the reader wants more, or has made room. */
export interface BodyDemand {
  bodyWanted(): void;
  bodyTaken(): void;
}

/** Up to this length a declared body is given its buffer at once. */
const wholeBufferBytes = 64 * 1024;
/** A body of which so much arrives at a time is a stream: it gets room for the rest of the read, and not twice what it has. */
const streamedFromBytes = 4096;
const nothing = new Uint8Array(0);

export class RequestBody implements BodyReader {
  trailers: Metadata | undefined = undefined;
  /** All of it has arrived. */
  ended = false;
  /** Bytes that came after nobody wanted them any more. */
  droppedBytes = 0;

  private readonly demand: BodyDemand;
  private readonly declared: number;
  private buffer: Buffer | undefined = undefined;
  private used = 0;
  private received = 0;
  private begun = false;
  private cancelled = false;
  private failure: WireError | undefined = undefined;
  private waiting: PromiseWithResolvers<Uint8Array | undefined> | undefined = undefined;

  /** @param declared -1 when not declared */
  constructor(demand: BodyDemand, declared: number) {
    this.demand = demand;
    this.declared = declared;
  }

  // --- for the protocol

  whole(): Uint8Array | undefined {
    if (!this.ended || this.begun || this.failure !== undefined) return undefined;
    return this.takeBuffer() ?? nothing;
  }

  read(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.failure !== undefined) throw this.failure;
    if (this.used > 0) {
      const bytes = this.takeBuffer();
      this.demand.bodyTaken();
      return bytes;
    }
    if (this.ended || this.cancelled) return undefined;
    this.waiting ??= Promise.withResolvers<Uint8Array | undefined>();
    this.demand.bodyWanted();
    return this.waiting.promise;
  }

  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.buffer = undefined;
    this.used = 0;
    this.settle(undefined);
    this.demand.bodyTaken();
  }

  // --- for the connection

  /** Bytes that nobody has taken yet. */
  get heldBytes(): number {
    return this.used;
  }

  /** Bytes still to come; Infinity when not declared. */
  get remainingBytes(): number {
    if (this.ended) return 0;
    return this.declared < 0 ? Infinity : this.declared - this.received;
  }

  get wanted(): boolean {
    return this.waiting !== undefined;
  }

  /** Copies; called for every piece the parser reports. */
  push(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    this.received += length;
    if (this.cancelled) {
      this.droppedBytes += length;
      return;
    }
    const needed = this.used + length;
    if (this.buffer === undefined || this.buffer.length < needed) this.grow(needed, this.used + bytes.length - start);
    bytes.copy(this.buffer!, this.used, start, end);
    this.used = needed;
  }

  end(trailers: Metadata | undefined): void {
    this.ended = true;
    this.trailers = trailers;
  }

  /** Gives a waiting reader what one read of the socket brought. */
  deliver(): void {
    if (this.waiting === undefined) return;
    if (this.used > 0) this.settle(this.takeBuffer());
    else if (this.ended) this.settle(undefined);
  }

  fail(error: WireError): void {
    if (this.ended || this.failure !== undefined) return;
    this.failure = error;
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.reject(error);
  }

  /** @param readBytes what the body will hold if all of this read is its own */
  private grow(needed: number, readBytes: number): void {
    const grown = Buffer.allocUnsafe(Math.max(needed, this.expected(needed, readBytes)));
    noteOutsideMemory(grown.length);
    this.buffer?.copy(grown, 0, 0, this.used);
    this.buffer = grown;
  }

  private expected(needed: number, readBytes: number): number {
    const { declared } = this;
    const isFirst = this.received - needed + this.used === 0;
    if (isFirst && declared >= 0 && declared <= wholeBufferBytes) return declared;
    if (this.used === 0 && needed >= streamedFromBytes) return readBytes;
    return isFirst ? needed : 2 * needed;
  }

  private takeBuffer(): Uint8Array | undefined {
    const { buffer, used } = this;
    this.begun = true;
    this.buffer = undefined;
    this.used = 0;
    if (buffer === undefined) return undefined;
    return buffer.length === used ? buffer : buffer.subarray(0, used);
  }

  private settle(bytes: Uint8Array | undefined): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.resolve(bytes);
  }
}
