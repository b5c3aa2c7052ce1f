/**
 * Tells HTTP/2 with prior knowledge from HTTP/1.1 by a connection's first bytes (RFC 9113, section 3.4).
 *
 * The trap: the preface may arrive in pieces, and "P" alone may become POST; what was read is handed on with the verdict. A connection
 * that says nothing, or too little to tell, is closed when a head would have to be there; one that speaks something else, at once.
 */
import { Buffer } from "node:buffer";
import type { Clock } from "../core/clock.ts";
import type { ByteChannel, ChannelEvents } from "./byte-channel.ts";
import { sweeperOf, type Swept } from "./sweeper.ts";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Told once; must listen on the channel, or take its socket over. `first` is valid during the call. */
export type Verdict = (version: 1 | 2, first: Uint8Array) => void;

export class ProtocolSniffer implements ChannelEvents, Swept {
  private readonly channel: ByteChannel;
  private readonly verdict: Verdict;
  private readonly clock: Clock;
  private readonly timeoutMs: number;
  private readonly sinceMs: number;
  private read: Buffer | undefined = undefined;

  constructor(channel: ByteChannel, clock: Clock, timeoutMs: number, verdict: Verdict) {
    this.channel = channel;
    this.clock = clock;
    this.timeoutMs = timeoutMs;
    this.verdict = verdict;
    this.sinceMs = clock.nowMs();
    sweeperOf(clock).add(this, timeoutMs);
    channel.listen(this);
  }

  onBytes(bytes: Uint8Array): void {
    const all = this.read === undefined ? bytes : Buffer.concat([this.read, bytes]);
    const compared = Math.min(all.length, preface.length);
    for (let i = 0; i < compared; i++) if (all[i] !== preface[i]) return isOtherProtocol(all) ? this.channel.destroy() : this.tell(1, all);
    if (compared === preface.length) this.tell(2, all);
    else this.read = Buffer.from(all);
  }

  onDrain(): void {
    // Nothing is written here.
  }

  onEnd(): void {
    this.channel.destroy();
  }

  onClose(): void {
    sweeperOf(this.clock).delete(this);
  }

  sweep(nowMs: number): void {
    if (nowMs - this.sinceMs > this.timeoutMs) this.channel.destroy();
  }

  /** Nothing is under way yet. */
  async drain(_graceMs: number): Promise<void> {
    this.channel.destroy();
  }

  destroy(): void {
    this.channel.destroy();
  }

  private tell(version: 1 | 2, first: Uint8Array): void {
    sweeperOf(this.clock).delete(this);
    this.verdict(version, first);
  }
}

const lineFeed = 0x0a;

/**
 * Whether a first line is there and has neither a path nor a version of HTTP: another protocol, or a broken preface, which RFC 9113 wants
 * answered by nothing but the end of the connection. What looks like a bad request is left to HTTP/1.1, which says what is bad about it.
 */
function isOtherProtocol(bytes: Uint8Array): boolean {
  const end = bytes.indexOf(lineFeed);
  if (end < 2) return false;
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, end);
  return !line.includes("/") && !line.includes("*");
}
