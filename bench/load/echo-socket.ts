/**
 * A WebSocket client that says one text again and again and checks that it comes back: what a load generator needs, and no more.
 *
 * The frame is masked once and sent as it is each time (RFC 6455 wants masks to be unpredictable; no proxy can tell). An answer is
 * compared as bytes: one unmasked frame with the same text, however it is cut into reads.
 */
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";

const KEY = "ZHJhZ29tYW4gYmVuY2htYQ==";
const ACCEPT = createHash("sha1").update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
const TEXT_FRAME = 0x81;
const MASKED = 0x80;
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const MAX_TEXT = 125; // what a frame of the short form holds
const OPEN_LIMIT_MS = 10_000;

/** One for all sockets: what was read is done with before the next is. */
const readBuffer = Buffer.allocUnsafe(64 * 1024);

function upgradeRequest(path: string): string {
  const fields = ["host: 127.0.0.1", "upgrade: websocket", "connection: Upgrade", `sec-websocket-key: ${KEY}`, "sec-websocket-version: 13"];
  return `GET ${path} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`;
}

/** What is sent and what must come back. */
export interface Frames {
  readonly question: Buffer;
  readonly answer: Buffer;
}

export function framesOf(text: string): Frames {
  const payload = Buffer.from(text);
  if (payload.length > MAX_TEXT) throw new RangeError(`a text of ${payload.length} bytes is longer than ${MAX_TEXT}`);
  const masked = payload.map((byte, at) => byte ^ MASK[at & 3]!);
  return {
    question: Buffer.concat([Buffer.from([TEXT_FRAME, MASKED | payload.length]), MASK, masked]),
    answer: Buffer.concat([Buffer.from([TEXT_FRAME, payload.length]), payload]),
  };
}

export class EchoSocket {
  /** The text is back. */
  onAnswer: () => void = () => undefined;
  /** The connection or an answer is not what it should be; at most once. */
  onBroken: (error: Error) => void = () => undefined;
  private readonly socket: Socket;
  private readonly frames: Frames;
  /** The answer to the upgrade until it is whole; undefined from then on. */
  private head: string | undefined = "";
  private matched = 0;

  private constructor(port: number, path: string, frames: Frames, opened: () => void) {
    this.frames = frames;
    const callback = (size: number): boolean => {
      if (this.head === undefined) this.answered(size);
      else if (this.upgraded(size)) opened();
      return true;
    };
    this.socket = connect({ host: "127.0.0.1", port, noDelay: true, onread: { buffer: readBuffer, callback } });
    this.socket.once("connect", () => this.socket.write(upgradeRequest(path)));
    this.socket.once("error", (error) => this.broken(error));
    this.socket.once("close", () => this.broken(new Error("the connection was closed")));
  }

  static open(port: number, path: string, frames: Frames): Promise<EchoSocket> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.broken(new Error(`no upgrade within ${OPEN_LIMIT_MS} ms`)), OPEN_LIMIT_MS);
      const socket = new EchoSocket(port, path, frames, () => {
        clearTimeout(timer);
        socket.onBroken = () => undefined;
        resolve(socket);
      });
      socket.onBroken = (error) => {
        clearTimeout(timer);
        reject(error);
      };
    });
  }

  get open(): boolean {
    return !this.socket.destroyed;
  }

  say(): void {
    this.socket.write(this.frames.question);
  }

  /** Says the text once and waits for it. */
  exchange(limitMs = OPEN_LIMIT_MS): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.broken(new Error(`no answer within ${limitMs} ms`)), limitMs);
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        this.onAnswer = this.onBroken = () => undefined;
        then();
      };
      this.onAnswer = () => settle(resolve);
      this.onBroken = (error) => settle(() => reject(error));
      this.say();
    });
  }

  close(): void {
    this.onBroken = () => undefined;
    this.socket.destroy();
  }

  /** @returns true when the upgrade has been granted. */
  private upgraded(size: number): boolean {
    this.head += readBuffer.toString("latin1", 0, size);
    const end = this.head!.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const granted = /^HTTP\/1\.1 101 /.test(this.head!) && this.head!.includes(ACCEPT) && end === this.head!.length - 4;
    if (!granted) this.broken(new Error(`no upgrade: ${JSON.stringify(this.head!.slice(0, 300))}`));
    this.head = undefined;
    return granted;
  }

  private answered(size: number): void {
    const { answer } = this.frames;
    const end = this.matched + size;
    if (end > answer.length || readBuffer.compare(answer, this.matched, end, 0, size) !== 0) {
      this.broken(new Error(`another answer: ${readBuffer.toString("latin1", 0, Math.min(size, 200))}`));
      return;
    }
    this.matched = end === answer.length ? 0 : end;
    if (this.matched === 0) this.onAnswer();
  }

  private broken(error: Error): void {
    const { onBroken } = this;
    this.onBroken = () => undefined;
    this.socket.destroy();
    onBroken(error);
  }
}
