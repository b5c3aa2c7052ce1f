/**
 * `multipart/form-data` (RFC 7578, RFC 2046 section 5.1), read strictly and as it arrives.
 *
 * The trap: a boundary may be cut anywhere by the ends of chunks, so as many bytes as a delimiter has are held back from each part's data. What
 * RFC 2046 allows and no client sends (preamble text, nested multiparts, transfer encodings) is refused.
 */
import { CallError } from "../../core/call-error.ts";

export interface PartHead {
  readonly name: string;
  /** "" when the part has none. */
  readonly contentType: string;
  readonly fileName: string | undefined;
}

export interface PartSink {
  begin(head: PartHead): void;
  /** A view of a pushed chunk, or of the parser's memory: valid until the next push. */
  data(bytes: Uint8Array): void;
  end(): void;
}

export interface MultipartLimits {
  readonly parts: number;
  /** Of one part: all its header lines. */
  readonly headBytes: number;
  /** Characters of a part's name or file name. */
  readonly nameLength: number;
}

const defaultMultipartLimits: MultipartLimits = Object.freeze({ parts: 1000, headBytes: 4096, nameLength: 512 });

/** RFC 2046, section 5.1.1: `bchars`, without the space that may not end it. */
const boundaryText = /^[\w'()+,./:=?-]{1,70}$/;

/** The boundary of a `multipart/form-data` content type. @throws CallError UNSUPPORTED_MEDIA_TYPE */
export function boundaryOf(contentType: string): string {
  const found = /;\s*boundary=(?:"([^"\\]*)"|([^\s;"]+))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  if (boundary === undefined || !boundaryText.test(boundary))
    throw new CallError("UNSUPPORTED_MEDIA_TYPE", "multipart/form-data needs a boundary of 1 to 70 characters", { source: "caller" });
  return boundary;
}

const State = {
  /** Before the first boundary. */
  START: 0,
  /** Behind a boundary: the line's end, or the two dashes of the last one. */
  BOUNDARY: 1,
  HEAD: 2,
  DATA: 3,
  /** Behind the last boundary. */
  DONE: 4,
} as const;
type State = (typeof State)[keyof typeof State];

const lineEnd = Buffer.from("\r\n");
const headEnd = Buffer.from("\r\n\r\n");
const dashes = Buffer.from("--");

export class MultipartParser {
  private readonly delimiter: Buffer;
  private readonly sink: PartSink;
  private readonly limits: MultipartLimits;
  private state: State = State.START;
  private held: Buffer = Buffer.alloc(0);
  private parts = 0;
  private passedBytes = 0;

  constructor(boundary: string, sink: PartSink, limits: MultipartLimits = defaultMultipartLimits) {
    this.delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
    this.sink = sink;
    this.limits = limits;
  }

  /** @throws CallError BAD_REQUEST */
  push(chunk: Uint8Array): void {
    let bytes = this.held.length === 0 ? asBuffer(chunk) : Buffer.concat([this.held, chunk]);
    for (;;) {
      const rest = this.step(bytes);
      if (rest === undefined) break;
      this.passedBytes += bytes.length - rest.length;
      bytes = rest;
    }
    // A copy: the chunk is its owner's again.
    this.held = Buffer.from(bytes);
  }

  /** The body is over. @throws CallError BAD_REQUEST */
  end(): void {
    if (this.state !== State.DONE) throw this.malformed("the last boundary is missing");
  }

  /** Takes one thing off the front. Undefined: more bytes are needed for it. */
  private step(bytes: Buffer): Buffer | undefined {
    switch (this.state) {
      case State.START:
        return this.start(bytes);
      case State.BOUNDARY:
        return this.boundary(bytes);
      case State.HEAD:
        return this.head(bytes);
      case State.DATA:
        return this.data(bytes);
      case State.DONE:
        // A line end behind the last boundary is usual; an epilogue is nothing anybody sends.
        if (bytes.length === 0 || (bytes.length === 1 && bytes[0] === 0x0d)) return undefined;
        if (bytes.subarray(0, 2).equals(lineEnd) && !this.finished) {
          this.finished = true;
          return bytes.subarray(2);
        }
        throw this.malformed("something follows the last boundary");
    }
  }

  private finished = false;

  private start(bytes: Buffer): Buffer | undefined {
    // The line end before the first boundary is left out by everybody, and allowed by RFC 2046.
    const first = this.delimiter.subarray(bytes[0] === 0x0d ? 0 : 2);
    if (!first.subarray(0, bytes.length).equals(bytes.subarray(0, first.length)))
      throw this.malformed("it does not begin with its boundary");
    if (bytes.length < first.length) return undefined;
    this.state = State.BOUNDARY;
    return bytes.subarray(first.length);
  }

  private boundary(bytes: Buffer): Buffer | undefined {
    if (bytes.length < 2) return undefined;
    const two = bytes.subarray(0, 2);
    if (two.equals(dashes)) {
      if (this.parts === 0) throw this.malformed("it has no parts");
      this.state = State.DONE;
    } else if (two.equals(lineEnd)) {
      if (++this.parts > this.limits.parts) throw this.malformed(`it has more than ${this.limits.parts} parts`);
      this.state = State.HEAD;
    } else throw this.malformed("a boundary is followed by neither a line end nor two dashes");
    return bytes.subarray(2);
  }

  private head(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(headEnd);
    if ((end < 0 ? bytes.length : end) > this.limits.headBytes)
      throw this.malformed(`the head of part ${this.parts} is larger than ${this.limits.headBytes} bytes`);
    if (end < 0) return undefined;
    this.sink.begin(this.readHead(bytes.toString("utf8", 0, end)));
    this.state = State.DATA;
    // The last line end stays: data that is empty begins with the delimiter, whose line end it is.
    this.emptyData = true;
    return bytes.subarray(end + 4);
  }

  private emptyData = false;

  private data(bytes: Buffer): Buffer | undefined {
    const { delimiter, sink } = this;
    if (this.emptyData) {
      const short = delimiter.subarray(2);
      if (bytes.length < short.length && short.subarray(0, bytes.length).equals(bytes)) return undefined;
      if (bytes.subarray(0, short.length).equals(short)) return this.endPart(bytes.subarray(short.length));
      this.emptyData = false;
    }
    const end = bytes.indexOf(delimiter);
    if (end >= 0) {
      if (end > 0) sink.data(bytes.subarray(0, end));
      return this.endPart(bytes.subarray(end + delimiter.length));
    }
    // What might be the beginning of a delimiter waits.
    const safe = bytes.length - tailThatMayBegin(bytes, delimiter);
    if (safe === 0) return undefined;
    sink.data(bytes.subarray(0, safe));
    return bytes.subarray(safe);
  }

  private endPart(rest: Buffer): Buffer {
    this.sink.end();
    this.emptyData = false;
    this.state = State.BOUNDARY;
    return rest;
  }

  private readHead(text: string): PartHead {
    let disposition: string | undefined;
    let contentType = "";
    for (const line of text.split("\r\n")) {
      const found = /^([!#$%&'*+.^`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
      if (found === null || hasControls(found[2]!)) throw this.malformed(`the head of part ${this.parts} is not well formed`);
      const value = found[2]!;
      switch (found[1]!.toLowerCase()) {
        case "content-disposition":
          if (disposition !== undefined) throw this.malformed(`part ${this.parts} has two content dispositions`);
          disposition = value;
          break;
        case "content-type":
          contentType = value;
          break;
        case "content-transfer-encoding":
          if (!/^(7bit|8bit|binary)$/i.test(value)) throw this.malformed(`part ${this.parts} has a transfer encoding`);
          break;
        default: // RFC 7578, section 4.8: others are ignored
      }
    }
    const parameters = disposition === undefined ? undefined : readDisposition(disposition);
    if (parameters === undefined) throw this.malformed(`part ${this.parts} has no content disposition that is form-data`);
    const name = parameters.get("name") ?? "";
    if (name === "") throw this.malformed(`part ${this.parts} has no name`);
    const fileName = parameters.get("filename");
    if (name.length > this.limits.nameLength || (fileName?.length ?? 0) > this.limits.nameLength)
      throw this.malformed(`part ${this.parts} has a name longer than ${this.limits.nameLength} characters`);
    return { name, contentType, fileName };
  }

  private malformed(what: string): CallError {
    const message = `malformed multipart body: ${what} (at byte ${this.passedBytes})`;
    return new CallError("BAD_REQUEST", message, { source: "caller", violations: [{ field: "", description: message }] });
  }
}

/** Length of the longest end of `bytes` that `delimiter` begins with. */
function tailThatMayBegin(bytes: Buffer, delimiter: Buffer): number {
  for (let size = Math.min(bytes.length, delimiter.length - 1); size > 0; size--)
    if (bytes.subarray(bytes.length - size).equals(delimiter.subarray(0, size))) return size;
  return 0;
}

/** `form-data; name="a"; filename="b"`: browsers write quotes and line ends in names as %22, %0D and %0A (WHATWG HTML, multipart/form-data). */
function readDisposition(text: string): Map<string, string> | undefined {
  const parameters = new Map<string, string>();
  const type = /^form-data(?=\s*(;|$))/i.exec(text);
  if (type === null) return undefined;
  const parameter = /\s*;\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/y;
  let at = (parameter.lastIndex = type[0].length);
  for (let found = parameter.exec(text); found !== null; found = parameter.exec(text)) {
    at = parameter.lastIndex;
    const key = found[1]!.toLowerCase();
    if (parameters.has(key)) return undefined;
    const value = found[2] === undefined ? found[3]! : found[2].replace(/\\(["\\])/g, "$1");
    parameters.set(
      key,
      value.replace(/%(22|0D|0A)/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    );
  }
  return text.slice(at).trim() === "" ? parameters : undefined;
}

function hasControls(text: string): boolean {
  return /[\u0000-\u0008\u000a-\u001f\u007f\ufffd]/.test(text);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
