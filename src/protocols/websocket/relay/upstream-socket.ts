/**
 * The service's end of a WebSocket that is passed on, from its 101 until a relay takes it over.
 *
 * The trap: between the two the call goes back through the policies, and any of them, or the client, may give it up. Then nobody takes the connection, and it
 * must not stay.
 */
import { Buffer } from "node:buffer";
import { callerLeft } from "../../../core/call.ts";
import { MessageStream } from "../../../core/messages.ts";
import { statusOf, type Status } from "../../../core/status.ts";
import type { ByteChannel, ChannelEvents } from "../../../wire/byte-channel.ts";
import type { SwitchedConnection } from "../../../wire/http-upgrade.ts";
import type { RelayEnd } from "./relay-end.ts";

export class UpstreamSocket extends MessageStream implements ChannelEvents {
  readonly channel: ByteChannel;
  /** As the extensions have it that were agreed on; see FollowedDirection. */
  readonly reservedBits: number | undefined;
  /** How it ended. Never rejects. */
  readonly ended: Promise<Status>;
  private resolveEnded!: (end: Status) => void;
  private first: Uint8Array;
  private taken = false;
  private finished = false;
  private gone = false;
  private failure: Error | undefined = undefined;

  /** Listens at once, as whoever is given a connection must. */
  constructor({ channel, first }: SwitchedConnection, reservedBits: number | undefined) {
    super();
    this.channel = channel;
    this.first = first;
    this.reservedBits = reservedBits;
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve));
    channel.listen(this);
    channel.pause();
  }

  /** Hands the connection, and what has happened to it, to its end of the relay. */
  takeOver(end: RelayEnd): void {
    this.taken = true;
    const { first } = this;
    if (this.gone) {
      end.onClose(this.failure);
      return;
    }
    end.start(first);
    if (this.finished) end.onEnd();
  }

  /** The relay, or whoever gave it up, knows how it ended. */
  end(status: Status): void {
    this.resolveEnded(status);
  }

  // --- as the messages of a reply, which has none

  next(): undefined {
    return undefined;
  }

  cancel(): void {
    if (this.taken) return;
    this.taken = true;
    this.channel.destroy();
    this.end(statusOf(callerLeft()));
  }

  // --- the channel, while nobody has it. It is paused: what comes has been on its way.

  onBytes(view: Uint8Array): void {
    this.first = Buffer.concat([this.first, view]);
  }

  onDrain(): void {
    // nothing was written
  }

  onEnd(): void {
    this.finished = true;
  }

  onClose(error: Error | undefined): void {
    this.gone = true;
    this.failure = error;
  }
}
