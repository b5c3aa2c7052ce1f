/**
 * The client's messages on their way to the upstream: pushed as frames come, pulled as the upstream takes them.
 *
 * The trap: what waits here has been read already. When it is more than a little, reading stops, and TCP makes the client wait.
 */
import type { CallError } from "../../core/call-error.ts";
import { MessageStream } from "../../core/messages.ts";
import type { Payload } from "../../core/payload.ts";

/** What is queued, in bytes, before reading stops; and in messages, because each is an object. */
const highWaterBytes = 64 * 1024;
const highWaterMessages = 64;

export interface Flow {
  /** No more, please. */
  pause(): void;
  resume(): void;
}

export class InboundQueue extends MessageStream {
  private readonly flow: Flow;
  private readonly waiting: Payload[] = [];
  private readonly sizes: number[] = [];
  /** The first that has not been taken. */
  private first = 0;
  private queuedBytes = 0;
  private paused = false;
  /** No more will come. */
  private done = false;
  /** What is told behind the last message, in place of the end. */
  private failure: CallError | undefined = undefined;
  private taker: PromiseWithResolvers<Payload | undefined> | undefined = undefined;

  constructor(flow: Flow) {
    super();
    this.flow = flow;
  }

  /** The client's half of the call is over. */
  get ended(): boolean {
    return this.done;
  }

  push(payload: Payload, sizeBytes: number): void {
    if (this.done) return;
    const { taker } = this;
    if (taker !== undefined) {
      this.taker = undefined;
      taker.resolve(payload);
      return;
    }
    this.waiting.push(payload);
    this.sizes.push(sizeBytes);
    this.queuedBytes += sizeBytes;
    if (this.paused || (this.queuedBytes < highWaterBytes && this.waiting.length - this.first < highWaterMessages)) return;
    this.paused = true;
    this.flow.pause();
  }

  /** @param failure what was wrong with the message that should have followed */
  end(failure?: CallError): void {
    if (this.done) return;
    this.done = true;
    this.failure = failure;
    const { taker } = this;
    this.taker = undefined;
    if (failure === undefined) taker?.resolve(undefined);
    else taker?.reject(failure);
  }

  next(): Payload | undefined | Promise<Payload | undefined> {
    if (this.first < this.waiting.length) return this.take();
    if (this.failure !== undefined) throw this.failure;
    if (this.done) return undefined;
    this.taker = Promise.withResolvers<Payload | undefined>();
    return this.taker.promise;
  }

  /** The upstream wants no more. Reading goes on: the client may still cancel, and its messages are dropped. */
  cancel(): void {
    this.done = true;
    this.waiting.length = this.sizes.length = this.first = 0;
    this.queuedBytes = 0;
    const { taker } = this;
    this.taker = undefined;
    taker?.resolve(undefined);
    this.flowOn();
  }

  private take(): Payload {
    const { first } = this;
    const payload = this.waiting[first]!;
    this.queuedBytes -= this.sizes[first]!;
    this.first = first + 1;
    if (this.first === this.waiting.length) this.waiting.length = this.sizes.length = this.first = 0;
    if (this.queuedBytes <= highWaterBytes / 2 && this.waiting.length - this.first <= highWaterMessages / 2) this.flowOn();
    return payload;
  }

  private flowOn(): void {
    if (!this.paused) return;
    this.paused = false;
    this.flow.resume();
  }
}
