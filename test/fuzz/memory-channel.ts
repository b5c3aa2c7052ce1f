/**
 * A ByteChannel without a socket, made to catch bad habits: every read comes through one buffer that is overwritten behind the callback, and
 * a buffer given away by `write` is read only later, when the "kernel" has room, so that using it again shows.
 */
import type { ByteChannel } from "../../src/wire/byte-channel.ts";
import { type ChannelEvents } from "../../src/wire/byte-channel.ts";
import type { Peer } from "../../src/wire/exchange.ts";
import type { Random } from "./mutate.ts";

/** Overwrites what was read. Inputs must not hold it, so that it tells. */
export const poison = 0xdb;

const readBuffer = Buffer.alloc(64 * 1024);

export class MemoryChannel {
  readonly peer: Peer = { address: "192.0.2.1", port: 1, tls: undefined };
  queuedBytes = 0;
  closed = false;
  ended = false;
  private readonly random: Random | undefined;
  private events: ChannelEvents | undefined;
  private paused = false;
  private readonly unread: Buffer[] = [];
  private readonly taken: Buffer[] = [];
  private readonly givenAway: Uint8Array[] = [];

  /** @param random when given, the kernel is sometimes full. */
  constructor(random?: Random) {
    this.random = random;
  }

  /** Structurally a ByteChannel; its constructor is private because sockets are all it is for. */
  get asChannel(): ByteChannel {
    return this as unknown as ByteChannel;
  }

  /** Everything that was written; what was given away counts as it is now. */
  get output(): Buffer {
    return Buffer.concat([...this.taken, ...this.givenAway]);
  }

  // --- the peer's side

  send(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += readBuffer.length) this.unread.push(bytes.subarray(at, at + readBuffer.length));
    this.readOn();
  }

  /** The kernel takes what waits; not always at once. */
  drain(): void {
    if (this.queuedBytes === 0 || this.random?.chance(2) === true) return;
    for (const bytes of this.givenAway.splice(0)) this.taken.push(Buffer.from(bytes));
    this.queuedBytes = 0;
    this.events?.onDrain();
  }

  /** The connection is gone. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { events } = this;
    this.events = undefined;
    events?.onClose(undefined);
  }

  // --- what the engines use

  listen(events: ChannelEvents): void {
    const again = this.events !== undefined;
    this.events = events;
    if (again) this.resume();
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed) return true;
    if (this.queuedBytes === 0 && this.random?.chance(4) !== true) {
      this.taken.push(Buffer.from(bytes));
      return true;
    }
    this.givenAway.push(bytes);
    this.queuedBytes += bytes.length;
    return false;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    setImmediate(() => this.readOn());
  }

  keepAlive(): void {
    // nobody vanishes here
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    setImmediate(() => this.close());
  }

  private readOn(): void {
    while (!this.paused && this.events !== undefined) {
      const bytes = this.unread.shift();
      if (bytes === undefined) return;
      const view = readBuffer.subarray(0, bytes.copy(readBuffer));
      try {
        this.events.onBytes(view);
      } finally {
        view.fill(poison);
      }
    }
  }
}

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets the event loop go round until `quiet` holds for a few turns, or for `most` turns. */
export async function settle(channel: MemoryChannel, quiet: () => boolean, most = 60): Promise<void> {
  for (let i = 0, still = 0; i < most && still < 4; i++) {
    await turn();
    channel.drain();
    still = quiet() ? still + 1 : 0;
  }
}

/** `input` without the poison. */
export function cleaned(input: Buffer): Buffer {
  for (let i = 0; i < input.length; i++) if (input[i] === poison) input[i] = poison - 1;
  return input;
}
