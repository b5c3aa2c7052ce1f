/**
 * The messages of a request that may have to be sent again: what an attempt has taken is kept, up to a limit, until the call is committed.
 *
 * The traps: an attempt that is given up may still wait for a message, which then belongs to the next attempt; and it says that it wants no
 * more, which the source must not hear while another may want them.
 */
import { MessageStream, type Messages } from "./messages.ts";
import type { Payload } from "./payload.ts";

export class ReplayedMessages {
  private readonly source: Messages;
  private readonly limitBytes: number;
  private kept: Payload[] = [];
  private keptBytes = 0;
  private hasEnded = false;
  private failure: { readonly thrown: unknown } | undefined;
  private pending: Promise<void> | undefined;
  private isCommitted = false;
  private current: View | undefined;

  /** @param limitBytes of messages that are kept; the one that goes beyond it commits the call */
  constructor(source: Messages, limitBytes: number) {
    this.source = source;
    this.limitBytes = limitBytes;
  }

  /** What was taken is gone: no further attempt can be made. */
  get committed(): boolean {
    return this.isCommitted;
  }

  /** The messages from the first on. The view of the attempt before gets no more. */
  view(): Messages {
    this.current?.leave();
    return (this.current = new View(this));
  }

  /** No further attempt will be made: nothing is kept from here on, and the last attempt's word is the source's. */
  commit(): void {
    if (this.isCommitted) return;
    this.isCommitted = true;
    if (this.current?.isCancelled !== false) this.source.cancel();
  }

  /** For the view of an attempt: its message number `at`. */
  at(at: number): Payload | undefined | Promise<Payload | undefined> {
    const { kept } = this;
    if (at < kept.length) return kept[at];
    if (this.failure !== undefined) throw this.failure.thrown;
    if (this.hasEnded) return undefined;
    if (this.pending !== undefined) return this.pending.then(() => this.at(at));
    const next = this.source.next();
    if (this.isCommitted) {
      if (kept.length > 0) this.kept = [];
      return next;
    }
    if (!(next instanceof Promise)) {
      this.keep(next);
      return next;
    }
    this.pending = next.then(
      (message) => {
        this.pending = undefined;
        this.keep(message);
      },
      (thrown: unknown) => {
        this.pending = undefined;
        this.failure = { thrown };
      },
    );
    return this.pending.then(() => this.at(at));
  }

  /** For the view of an attempt: it wants no more. */
  cancelled(): void {
    if (this.isCommitted) this.source.cancel();
  }

  private keep(message: Payload | undefined): void {
    if (message === undefined) {
      this.hasEnded = true;
      return;
    }
    // One that was asked for before the call was committed is kept all the same, for the attempt that waits for it.
    this.kept.push(message);
    this.keptBytes += message.sizeBytes;
    if (this.keptBytes > this.limitBytes) this.isCommitted = true;
  }
}

class View extends MessageStream {
  private readonly of: ReplayedMessages;
  private taken = 0;
  private left = false;
  isCancelled = false;

  constructor(of: ReplayedMessages) {
    super();
    this.of = of;
  }

  next(): Payload | undefined | Promise<Payload | undefined> {
    if (this.left) return undefined;
    const next = this.of.at(this.taken);
    this.taken++;
    return next;
  }

  cancel(): void {
    if (this.isCancelled || this.left) return;
    this.isCancelled = true;
    this.of.cancelled();
  }

  /** Another attempt has the messages now. */
  leave(): void {
    this.left = true;
  }
}
