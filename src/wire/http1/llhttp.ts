/**
 * llhttp in WebAssembly: one instance per thread, one parser state per connection.
 *
 * Two traps. Only one `execute` runs at a time, and the spans its callbacks report are addresses in `memory`, valid until it returns.
 * And `allocate` may grow the WebAssembly memory, which detaches every view of it: take `memory` afresh, never keep it in a field.
 */
import { Buffer } from "node:buffer";
import { readLatin1 } from "./latin1.ts";
import wasm from "./llhttp-wasm.cjs";

/** Return codes of {@link Llhttp.execute} that are not failures, and what a callback returns to stop the parser. */
export const llhttpOk = 0;
export const llhttpPaused = 21;

/** What a parser reports. Spans are addresses in `memory`; a span may come in pieces when its bytes do. */
export interface LlhttpEvents {
  onUrl(at: number, length: number): void;
  onFieldName(at: number, length: number): void;
  onFieldValue(at: number, length: number): void;
  /** @returns 0 to go on, {@link llhttpPaused} to stop behind the head. */
  onHeadersComplete(): number;
  onBody(at: number, length: number): void;
}

/** What is used here of WebAssembly, whose types TypeScript has only in its DOM library. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

interface LlhttpExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  _initialize(): void;
  malloc(size: number): number;
  llhttp_alloc(type: number): number;
  llhttp_free(parser: number): void;
  llhttp_reset(parser: number): void;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_resume(parser: number): void;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
  llhttp_get_method(parser: number): number;
  llhttp_get_status_code(parser: number): number;
  llhttp_method_name(method: number): number;
}

/** What a parser reads: a server reads requests, a client responses. The numbers are llhttp's. */
export const LlhttpRole = { requests: 1, responses: 2 } as const;
export type LlhttpRole = (typeof LlhttpRole)[keyof typeof LlhttpRole];

export class Llhttp {
  /** All of the instance's memory. Spans index into it. */
  memory: Buffer;
  /** Where the input area starts in `memory`, and its size. */
  readonly inputAt: number;
  readonly inputSizeBytes: number;
  /** Parsers that were allocated and not freed: a leak would show here. */
  allocated = 0;

  private readonly wasm: LlhttpExports;
  private readonly methods: string[] = [];
  private running: LlhttpEvents | undefined;

  constructor(inputSizeBytes: number) {
    // The lenient flags are never set: what llhttp takes by default is the strictest it knows.
    const env = {
      wasm_on_message_begin: () => 0,
      wasm_on_status: () => 0,
      wasm_on_message_complete: () => llhttpPaused, // so that the connection decides what happens between two messages
      wasm_on_url: (_parser: number, at: number, length: number) => {
        this.running!.onUrl(at, length);
        return 0;
      },
      wasm_on_header_field: (_parser: number, at: number, length: number) => {
        this.running!.onFieldName(at, length);
        return 0;
      },
      wasm_on_header_value: (_parser: number, at: number, length: number) => {
        this.running!.onFieldValue(at, length);
        return 0;
      },
      wasm_on_headers_complete: () => this.running!.onHeadersComplete(),
      wasm_on_body: (_parser: number, at: number, length: number) => {
        this.running!.onBody(at, length);
        return 0;
      },
    };
    this.wasm = new WebAssembly.Instance(new WebAssembly.Module(wasm.load()), { env }).exports as LlhttpExports;
    this.wasm._initialize();
    this.inputSizeBytes = inputSizeBytes;
    this.inputAt = this.wasm.malloc(inputSizeBytes);
    this.memory = Buffer.from(this.wasm.memory.buffer);
  }

  /** A new parser. Give it back with {@link free}. */
  allocate(role: LlhttpRole = LlhttpRole.requests): number {
    const parser = this.wasm.llhttp_alloc(role);
    if (parser === 0) throw new RangeError("no memory for another HTTP/1.1 parser");
    this.allocated++;
    if (this.memory.byteLength === 0) this.memory = Buffer.from(this.wasm.memory.buffer);
    return parser;
  }

  free(parser: number): void {
    this.allocated--;
    this.wasm.llhttp_free(parser);
  }

  /** Back to the start of a message. */
  reset(parser: number): void {
    this.wasm.llhttp_reset(parser);
  }

  /** Runs over `length` bytes of the input area from `offset`. */
  execute(parser: number, events: LlhttpEvents, offset: number, length: number): number {
    this.running = events;
    const code = this.wasm.llhttp_execute(parser, this.inputAt + offset, length);
    this.running = undefined;
    return code;
  }

  /** Takes back a pause; the next {@link execute} goes on where it stopped. */
  resume(parser: number): void {
    this.wasm.llhttp_resume(parser);
  }

  /** Where the last run stopped, as an offset in the input area. */
  stoppedAt(parser: number): number {
    return this.wasm.llhttp_get_error_pos(parser) - this.inputAt;
  }

  /** Why the last run failed, in llhttp's words. */
  failure(parser: number): string {
    return this.text(this.wasm.llhttp_get_error_reason(parser));
  }

  method(parser: number): string {
    const number = this.wasm.llhttp_get_method(parser);
    return (this.methods[number] ??= this.text(this.wasm.llhttp_method_name(number)));
  }

  status(parser: number): number {
    return this.wasm.llhttp_get_status_code(parser);
  }

  /** A C string of the instance. */
  private text(at: number): string {
    return at === 0 ? "" : readLatin1(this.memory, at, this.memory.indexOf(0, at));
  }
}
