/**
 * One request to a REST backend and its answer, with the body to be pulled: a response sink on one side, a BodyReader on the other.
 *
 * What is not pulled is not credited to the backend: that is the back-pressure. The trap: a failure waits until what came before it has been
 * read, but a cancellation does not.
 */
import type { Call } from "../../../core/call.ts";
import type { CallError } from "../../../core/call-error.ts";
import type { Metadata } from "../../../core/metadata.ts";
import type { BodyReader } from "../../../wire/exchange.ts";
import type { ClientStream, ResponseSink } from "../../../wire/http-client.ts";
import type { WireError } from "../../../wire/wire-error.ts";
import { errorOfUpstreamWire } from "../../shared/upstream-wire.ts";

export interface BackendHead {
  readonly status: number;
  /** Flat, names in lower case. */
  readonly headers: readonly string[];
}

export class BackendExchange implements ResponseSink, BodyReader {
  readonly head: Promise<BackendHead>;
  /** Not as metadata: {@link trailerFields}. */
  readonly trailers: Metadata | undefined = undefined;
  /** Set after the end was read. */
  trailerList: readonly string[] = [];
  private readonly call: Call;
  private readonly resolveHead: (head: BackendHead) => void;
  private readonly rejectHead: (error: CallError) => void;
  private stream: ClientStream | undefined;
  private chunks: Uint8Array[] = [];
  private ended = false;
  private error: CallError | undefined;
  private waiting: PromiseWithResolvers<Uint8Array | undefined> | undefined;

  constructor(call: Call) {
    this.call = call;
    const { promise, resolve, reject } = Promise.withResolvers<BackendHead>();
    this.head = promise;
    this.resolveHead = resolve;
    this.rejectHead = reject;
    // Who asks for the head hears of it; nobody asks when the request itself cannot be sent.
    promise.catch(() => undefined);
    call.onCancel((error) => this.fail(error));
  }

  /** The request is under way. */
  begin(stream: ClientStream): void {
    if (this.isOver) stream.cancel();
    else this.stream = stream;
  }

  /** Nothing more will come, or is wanted. */
  get isOver(): boolean {
    return this.ended || this.error !== undefined;
  }

  /** What it failed with. */
  get failure(): CallError | undefined {
    return this.error;
  }

  // -- ResponseSink -----------------------------------------------------------------------------------------------------------------

  onHead(status: number, headers: readonly string[]): void {
    this.resolveHead({ status, headers });
  }

  onData(chunk: Uint8Array): void {
    const { waiting } = this;
    if (waiting === undefined) {
      this.chunks.push(chunk);
      return;
    }
    this.waiting = undefined;
    this.stream?.consumed(chunk.length);
    waiting.resolve(chunk);
  }

  onEnd(trailers: readonly string[] | undefined): void {
    this.trailerList = trailers ?? [];
    this.stream = undefined;
    this.finish();
  }

  onError(error: WireError): void {
    this.stream = undefined;
    this.settle(this.call.cancelled ?? errorOfUpstreamWire(error, this.call.deadline.remainingMs(performance.now())));
  }

  // -- BodyReader -------------------------------------------------------------------------------------------------------------------

  whole(): undefined {
    return undefined;
  }

  read(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const chunk = this.chunks.shift();
    if (chunk !== undefined) {
      this.stream?.consumed(chunk.length);
      return chunk;
    }
    if (this.error !== undefined) throw this.error;
    if (this.ended) return undefined;
    return (this.waiting = Promise.withResolvers<Uint8Array | undefined>()).promise;
  }

  /** The rest is not wanted: the request is broken off, if it is still under way. */
  cancel(): void {
    this.chunks = [];
    this.stream?.cancel();
    this.stream = undefined;
    this.finish();
  }

  /** Ends the exchange from our side. Whoever waits, and whoever reads next, fails with `error`. */
  fail(error: CallError): void {
    if (this.error !== undefined) return;
    this.stream?.cancel();
    this.stream = undefined;
    this.chunks = [];
    this.settle(error);
  }

  private settle(error: CallError): void {
    this.error ??= error;
    this.rejectHead(this.error);
    this.waiting?.reject(this.error);
    this.waiting = undefined;
    this.call.messages.cancel();
  }

  private finish(): void {
    this.ended = true;
    this.waiting?.resolve(undefined);
    this.waiting = undefined;
    // An answer that is whole has no use for the rest of its request.
    this.call.messages.cancel();
  }
}
