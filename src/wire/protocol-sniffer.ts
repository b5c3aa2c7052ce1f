/**
 * Tells HTTP/2 with prior knowledge from HTTP/1.1 by a connection's first bytes (RFC 9113, section 3.4).
 *
 * The trap: the preface may arrive in pieces, and "P" alone may become POST; what was read is handed on with the verdict.
 */
import { Buffer } from "node:buffer";
import type { ByteChannel, ChannelEvents } from "./byte-channel.ts";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export type Verdict = (version: 1 | 2, first: Uint8Array) => void;

/** Listens on `channel` until the protocol is clear; then `verdict` must listen in its place. */
export class ProtocolSniffer implements ChannelEvents {
  private readonly channel: ByteChannel;
  private readonly verdict: Verdict;
  private readonly onGone: () => void;
  private read: Buffer | undefined = undefined;

  constructor(channel: ByteChannel, verdict: Verdict, onGone: () => void) {
    this.channel = channel;
    this.verdict = verdict;
    this.onGone = onGone;
  }

  onBytes(bytes: Uint8Array): void {
    const all = this.read === undefined ? bytes : Buffer.concat([this.read, bytes]);
    const compared = Math.min(all.length, preface.length);
    for (let i = 0; i < compared; i++) if (all[i] !== preface[i]) return this.verdict(1, all);
    if (compared === preface.length) this.verdict(2, all);
    else this.read = Buffer.from(all);
  }

  onDrain(): void {
    // Nothing has been written yet.
  }

  onEnd(): void {
    this.channel.destroy();
  }

  onClose(): void {
    this.onGone();
  }
}
