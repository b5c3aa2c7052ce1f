/**
 * The body of a request on its way to the protocol: pulled by it, and credited to the client as it is pulled.
 *
 * The trap: bytes that are never pulled have to be credited to the connection all the same, or its window shrinks with every request that was
 * refused; `release` does that when the stream is over. Small pieces are gathered, so a body of one-byte frames does not cost a hundred times its size.
 */
import type { Metadata } from "../../core/metadata.ts";
import type { BodyReader } from "../exchange.ts";
import type { WireError } from "../wire-error.ts";

/** Who the body takes its bytes from. */
export interface BodySource {
  /** The protocol has taken (or will never take) so many bytes. */
  onBodyTaken(sizeBytes: number): void;
  /** The protocol waits for bytes that have not come. */
  onBodyWanted(): void;
}

const empty = new Uint8Array(0);
/** A later piece smaller than this gets room for its followers. */
const gatheredBelowBytes = 1024;

export class RequestBody implements BodyReader {
  trailers: Metadata | undefined = undefined;
  private readonly source: BodySource;
  /** The most common body is one chunk; the others follow in `rest`. */
  private first: Uint8Array | undefined = undefined;
  private rest: Uint8Array[] | undefined = undefined;
  /** Free room at the end of the last chunk in `rest`. */
  private roomBytes = 0;
  private heldBytes = 0;
  private ended = false;
  private dropping = false;
  /** Nothing is credited any more: all of it has been. */
  private released = false;
  private failure: WireError | undefined = undefined;
  private waiter: PromiseWithResolvers<Uint8Array | undefined> | undefined = undefined;

  constructor(source: BodySource) {
    this.source = source;
  }

  /** A reader waits for more. */
  get wanted(): boolean {
    return this.waiter !== undefined;
  }

  whole(): Uint8Array | undefined {
    if (!this.ended || this.failure !== undefined) return undefined;
    const { first } = this;
    if (first === undefined) return empty;
    const bytes = this.rest === undefined ? first : this.joined();
    this.clear();
    return bytes;
  }

  read(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const chunk = this.first;
    if (chunk !== undefined) {
      this.shift();
      this.heldBytes -= chunk.length;
      this.taken(chunk.length);
      return chunk;
    }
    if (this.failure !== undefined) throw this.failure;
    if (this.ended || this.dropping) return undefined;
    if (this.waiter === undefined) {
      this.waiter = Promise.withResolvers();
      this.source.onBodyWanted();
    }
    return this.waiter.promise;
  }

  cancel(): void {
    this.dropping = true;
    this.clear();
    this.settle(undefined);
  }

  /** A piece of the body; it belongs to the body from here on. */
  push(chunk: Uint8Array): void {
    if (this.dropping) {
      this.source.onBodyTaken(chunk.length);
      return;
    }
    if (this.waiter !== undefined) {
      this.source.onBodyTaken(chunk.length);
      this.settle(chunk);
      return;
    }
    this.heldBytes += chunk.length;
    if (this.first === undefined) this.first = chunk;
    else this.append(chunk);
  }

  end(trailers: Metadata | undefined): void {
    this.trailers = trailers;
    this.ended = true;
    this.settle(undefined);
  }

  /** No more will come: readers hear `error`, unless the body was whole. */
  fail(error: WireError): void {
    if (this.ended) return;
    this.failure = error;
    const { waiter } = this;
    this.waiter = undefined;
    if (waiter === undefined) return;
    // Whoever reads hears it; a reader that has gone away must not bring the process down.
    waiter.promise.catch(() => undefined);
    waiter.reject(error);
  }

  /** The stream is over: what is held is credited now, and may still be pulled. */
  release(): void {
    if (this.heldBytes > 0) this.taken(this.heldBytes);
    this.released = true;
  }

  private taken(sizeBytes: number): void {
    if (!this.released) this.source.onBodyTaken(sizeBytes);
  }

  private settle(chunk: Uint8Array | undefined): void {
    const { waiter } = this;
    this.waiter = undefined;
    waiter?.resolve(chunk);
  }

  private append(chunk: Uint8Array): void {
    const rest = (this.rest ??= []);
    if (chunk.length <= this.roomBytes) {
      // The last chunk is a view of a larger one: let it grow.
      const last = rest[rest.length - 1]!;
      const grown = new Uint8Array(last.buffer, last.byteOffset, last.length + chunk.length);
      grown.set(chunk, last.length);
      rest[rest.length - 1] = grown;
      this.roomBytes -= chunk.length;
    } else if (chunk.length < gatheredBelowBytes) {
      const roomy = new Uint8Array(4 * gatheredBelowBytes);
      roomy.set(chunk);
      rest.push(roomy.subarray(0, chunk.length));
      this.roomBytes = roomy.length - chunk.length;
    } else {
      rest.push(chunk);
      this.roomBytes = 0;
    }
  }

  private shift(): void {
    const { rest } = this;
    this.first = rest?.shift();
    if (rest !== undefined && rest.length === 0) {
      this.rest = undefined;
      this.roomBytes = 0;
    }
  }

  private joined(): Uint8Array {
    const all = Buffer.allocUnsafe(this.heldBytes);
    let at = 0;
    for (const chunk of [this.first!, ...this.rest!]) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  private clear(): void {
    const { heldBytes } = this;
    this.first = this.rest = undefined;
    this.roomBytes = this.heldBytes = 0;
    if (heldBytes > 0) this.taken(heldBytes);
  }
}
