/**
 * Cuts a request body into the JSON values it is made of, as it arrives: the elements of one array, or values one after the other (RFC 8259;
 * one a line, or with nothing between them).
 *
 * The trap: nothing is decoded here. Chunks may end inside an escape or a UTF-8 sequence; only brackets outside strings are counted, and a
 * value is checked in full by whoever converts it.
 */
import { CallError } from "../../core/call-error.ts";
import { noteOutsideMemory } from "../../core/outside-memory.ts";
import { tooLarge } from "../shared/envelope.ts";

export interface JsonSplitterOptions {
  /** Largest value. */
  readonly limitBytes: number;
  /** Most brackets open at a time within one value. */
  readonly maxDepth: number;
  /** "values": never an array of messages, whatever the first byte is (NDJSON). "any": an array when the first byte is `[`. */
  readonly form: "any" | "values";
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Bytes that mean something within an object or array: brackets and quotes. */
const structural = new Uint8Array(256);
for (const byte of [QUOTE, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT]) structural[byte] = 1;

/** Bytes that end a number or a word. */
const ending = new Uint8Array(256);
for (const byte of [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE, QUOTE, COMMA, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT])
  ending[byte] = 1;

/** What may come next, between two values. */
const Expect = {
  /** Nothing has been seen. */
  START: 0,
  /** A value, or the end of the body: outside an array. */
  VALUE: 1,
  /** An element or `]`: behind the `[`. */
  FIRST: 2,
  /** An element: behind a comma. */
  ELEMENT: 3,
  /** A comma or `]`: behind an element. */
  COMMA: 4,
  /** Nothing but white space: behind the `]`. */
  NOTHING: 5,
} as const;
type Expect = (typeof Expect)[keyof typeof Expect];

/** What kind of value is being scanned. */
const Kind = { NONE: 0, STRING: 1, WORD: 2, NESTED: 3 } as const;
type Kind = (typeof Kind)[keyof typeof Kind];

const empty = new Uint8Array(0);

export class JsonSplitter {
  private readonly limitBytes: number;
  private readonly maxDepth: number;
  private expect: Expect;
  /** The chunk that is being read, and how far. */
  private chunk: Uint8Array = empty;
  private at = 0;
  /** Parts of the value that earlier chunks held. */
  private held: Uint8Array[] = [];
  private heldBytes = 0;
  private kind: Kind = Kind.NONE;
  private depth = 0;
  private inString = false;
  private escaped = false;
  /** Bytes of the body before the current chunk. */
  private passedBytes = 0;
  private ended = false;

  constructor({ limitBytes, maxDepth, form }: JsonSplitterOptions) {
    this.limitBytes = limitBytes;
    this.maxDepth = maxDepth;
    this.expect = form === "any" ? Expect.START : Expect.VALUE;
  }

  /** The next chunk, which belongs to the splitter from here on. Only when {@link take} found no more. */
  push(chunk: Uint8Array): void {
    this.passedBytes += this.chunk.length;
    this.chunk = chunk;
    this.at = 0;
  }

  /** The body is over: what is left is the last value, if anything is. */
  end(): void {
    this.push(empty);
    this.ended = true;
  }

  /** The next value; undefined: more of the body is needed, or it is over. @throws CallError INVALID_JSON, MESSAGE_TOO_LARGE */
  take(): Uint8Array | undefined {
    if (this.kind === Kind.NONE && !this.begin()) return undefined;
    const start = this.at;
    const whole = this.scan();
    const part = this.chunk.subarray(start, this.at);
    const size = this.heldBytes + part.length;
    if (size > this.limitBytes) throw tooLarge(size, this.limitBytes, "caller");
    if (!whole) {
      if (part.length > 0) this.held.push(part);
      this.heldBytes = size;
      if (this.ended) throw this.malformed("the body ends in the middle of a value");
      return undefined;
    }
    this.kind = Kind.NONE;
    this.expect = this.expect === Expect.VALUE ? Expect.VALUE : Expect.COMMA;
    if (this.heldBytes === 0) return part;
    this.held.push(part);
    const value = Buffer.concat(this.held, size);
    noteOutsideMemory(size);
    this.held = [];
    this.heldBytes = 0;
    return value;
  }

  /** Moves to the first byte of the next value. False when the chunk has none. */
  private begin(): boolean {
    const { chunk } = this;
    for (; this.at < chunk.length; this.at++) {
      const byte = chunk[this.at]!;
      if (byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB) continue;
      if (this.punctuation(byte)) continue;
      this.kind = byte === QUOTE ? Kind.STRING : byte === OPEN_OBJECT || byte === OPEN_ARRAY ? Kind.NESTED : Kind.WORD;
      this.depth = 0;
      this.inString = this.escaped = false;
      return true;
    }
    if (this.ended && this.expect >= Expect.FIRST && this.expect <= Expect.COMMA) throw this.malformed("the array is not closed");
    return false;
  }

  /** Takes what belongs to the array and not to its elements. False: a value begins here. */
  private punctuation(byte: number): boolean {
    switch (this.expect) {
      case Expect.START:
        this.expect = byte === OPEN_ARRAY ? Expect.FIRST : Expect.VALUE;
        if (byte === OPEN_ARRAY) return true;
        break;
      case Expect.FIRST:
        if (byte !== CLOSE_ARRAY) break;
        this.expect = Expect.NOTHING;
        return true;
      case Expect.COMMA:
        if (byte !== COMMA && byte !== CLOSE_ARRAY) throw this.malformed("expected ',' or ']' behind a message");
        this.expect = byte === COMMA ? Expect.ELEMENT : Expect.NOTHING;
        return true;
      case Expect.NOTHING:
        throw this.malformed("expected nothing behind the ']'");
      case Expect.VALUE:
      case Expect.ELEMENT:
        break;
    }
    if (byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) throw this.malformed("expected a message");
    return false;
  }

  /** Moves behind the value, or to the end of the chunk. True: the value is whole. */
  private scan(): boolean {
    if (this.kind === Kind.WORD) return this.scanWord();
    const { chunk } = this;
    if (this.kind === Kind.STRING && !this.inString && this.heldBytes === 0) {
      this.at++;
      this.inString = true;
    }
    while (this.at < chunk.length) {
      if (this.inString) {
        if (!this.scanString()) return false;
        if (this.kind === Kind.STRING) return true;
        continue;
      }
      // Most bytes mean nothing here; they are passed in a loop of its own.
      let { at } = this;
      while (at < chunk.length && structural[chunk[at]!] === 0) at++;
      this.at = at;
      if (at === chunk.length) return false;
      const byte = chunk[this.at++]!;
      if (byte === QUOTE) this.inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (++this.depth > this.maxDepth) throw this.malformed(`nested deeper than ${this.maxDepth} levels`);
      } else if (--this.depth === 0) return true;
    }
    return false;
  }

  /** Moves behind the closing quote. False when the chunk ends before it. */
  private scanString(): boolean {
    const { chunk } = this;
    let { at } = this;
    if (this.escaped && at < chunk.length) {
      at++;
      this.escaped = false;
    }
    for (; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte === BACKSLASH) {
        if (++at === chunk.length) this.escaped = true;
      } else if (byte === QUOTE) {
        this.at = at + 1;
        this.inString = false;
        return true;
      }
    }
    this.at = chunk.length;
    return false;
  }

  /** A number, or a word such as `null`: it has no end of its own, so the end of the body is one. */
  private scanWord(): boolean {
    const { chunk } = this;
    let { at } = this;
    // What began it is no space and no bracket; so at least one byte is taken.
    while (at < chunk.length && ending[chunk[at]!] === 0) at++;
    this.at = at;
    return at < chunk.length || this.ended;
  }

  private malformed(what: string): CallError {
    const message = `malformed JSON: ${what} (at byte ${this.passedBytes + this.at})`;
    return new CallError("INVALID_JSON", message, { source: "caller", violations: [{ field: "", description: message }] });
  }
}
