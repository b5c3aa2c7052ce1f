/**
 * Cuts a `text/event-stream` body into events (WHATWG HTML, "Interpreting an event stream"): what `data` says, under the name `event` gives it.
 *
 * The trap: the standard drops an event that no empty line ends. Here it is a broken answer: a message that just went missing would not be noticed.
 */
import { CallError } from "../../../core/call-error.ts";
import { tooLarge } from "../../shared/envelope.ts";

export interface ServerEvent {
  /** "message" unless the event says otherwise. */
  readonly type: string;
  readonly data: Uint8Array;
}

/** Lines cost more than their bytes. */
const maxDataLines = 16_384;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const newline = Buffer.from("\n");
const none = Buffer.alloc(0);
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

export class EventStreamSplitter {
  private readonly limitBytes: number;
  private chunk: Buffer = none;
  private at = 0;
  /** Parts of the line that earlier chunks held. */
  private held: Buffer[] = [];
  private heldBytes = 0;
  /** A line feed that comes next belongs to the carriage return before it. */
  private behindReturn = false;
  private first = true;
  private type = "";
  private data: Buffer[] = [];
  private dataBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** The next chunk, which belongs to the splitter from here on. Only when {@link take} found no more. */
  push(chunk: Uint8Array): void {
    this.chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    this.at = 0;
  }

  /** The body is over. @throws CallError when it ended within an event */
  end(): void {
    if (this.heldBytes > 0 || this.data.length > 0)
      throw new CallError("UPSTREAM_PROTOCOL", "the upstream's answer ended in the middle of an event", { source: "upstream" });
  }

  /** The next event that has data; undefined: more of the body is needed. @throws CallError */
  take(): ServerEvent | undefined {
    for (let line = this.line(); line !== undefined; line = this.line()) {
      if (line.length > 0) {
        this.field(line);
        continue;
      }
      const { type, data, dataBytes } = this;
      this.type = "";
      this.data = [];
      this.dataBytes = 0;
      if (data.length > 0) return { type: type === "" ? "message" : type, data: data.length === 1 ? data[0]! : joined(data, dataBytes) };
    }
    return undefined;
  }

  /** The next line without its end; undefined: the chunk holds none. */
  private line(): Buffer | undefined {
    if (this.behindReturn && this.at < this.chunk.length) {
      if (this.chunk[this.at] === LINE_FEED) this.at++;
      this.behindReturn = false;
    }
    const { chunk, at } = this;
    let end = at;
    while (end < chunk.length && chunk[end] !== LINE_FEED && chunk[end] !== CARRIAGE_RETURN) end++;
    const part = chunk.subarray(at, end);
    const size = this.heldBytes + part.length;
    if (size + this.dataBytes > this.limitBytes) throw tooLarge(size + this.dataBytes, this.limitBytes, "upstream");
    if (end === chunk.length) {
      if (part.length > 0) this.held.push(part);
      this.heldBytes = size;
      this.at = end;
      return undefined;
    }
    this.behindReturn = chunk[end] === CARRIAGE_RETURN;
    this.at = end + 1;
    const line = this.heldBytes === 0 ? part : Buffer.concat([...this.held, part], size);
    this.held = [];
    this.heldBytes = 0;
    if (!this.first) return line;
    this.first = false;
    return line.subarray(0, 3).equals(byteOrderMark) ? line.subarray(3) : line;
  }

  private field(line: Buffer): void {
    const colon = line.indexOf(COLON);
    const name = line.toString("latin1", 0, colon < 0 ? line.length : Math.min(colon, 8));
    const start = colon < 0 ? line.length : line[colon + 1] === SPACE ? colon + 2 : colon + 1;
    // Comments have an empty name; `id` and `retry` are for clients that come back.
    if (name === "event") this.type = line.toString("utf8", start, start + 64);
    else if (name === "data") {
      if (this.data.length === maxDataLines)
        throw new CallError("UPSTREAM_PROTOCOL", `an event of the upstream has more than ${maxDataLines} lines`, { source: "upstream" });
      const value = line.subarray(start);
      this.data.push(value);
      this.dataBytes += value.length + 1;
    }
  }
}

function joined(lines: readonly Buffer[], size: number): Buffer {
  return Buffer.concat(
    lines.flatMap((line, index) => (index === 0 ? [line] : [newline, line])),
    size - 1,
  );
}
