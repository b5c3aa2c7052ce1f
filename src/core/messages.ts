/**
 * The messages of one direction of a call.
 *
 * A unary direction has `single` and nobody ever asks for an iterator. A stream is pulled: `next` gives the message at once when it is
 * already there, a promise when it is not, and `undefined` at the end. Pulling is the back-pressure: what is not asked for is not read.
 */
import type { Payload } from "./payload.ts";

export interface Messages extends AsyncIterable<Payload> {
  /** The one message of a unary direction; undefined for a stream. */
  readonly single: Payload | undefined;
  /** The next message; undefined after the last. A failure of the transport rejects or throws a CallError. */
  next(): Payload | undefined | Promise<Payload | undefined>;
  /** No more will be asked for; the source may stop. Idempotent. */
  cancel(): void;
}

/** Base of all streams: the async iterator over `next`, so that each source writes only what is its own. */
export abstract class MessageStream implements Messages {
  readonly single: Payload | undefined = undefined;
  abstract next(): Payload | undefined | Promise<Payload | undefined>;
  abstract cancel(): void;

  [Symbol.asyncIterator](): AsyncIterator<Payload> {
    return {
      next: async () => {
        const value = await this.next();
        return value === undefined ? { done: true, value: undefined } : { done: false, value };
      },
      return: () => {
        this.cancel();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

/** Exactly one message. */
export class SingleMessage implements Messages {
  readonly single: Payload;
  private taken = false;

  constructor(single: Payload) {
    this.single = single;
  }

  next(): Payload | undefined {
    if (this.taken) return undefined;
    this.taken = true;
    return this.single;
  }

  cancel(): void {
    this.taken = true;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Payload> {
    yield this.single;
  }
}

/** A stream of messages that are all known already; mostly for tests and for answers made by the proxy itself. */
export class MessageList extends MessageStream {
  private readonly list: readonly Payload[];
  private at = 0;

  constructor(list: readonly Payload[]) {
    super();
    this.list = list;
  }

  next(): Payload | undefined {
    return this.list[this.at++];
  }

  cancel(): void {
    this.at = this.list.length;
  }
}
