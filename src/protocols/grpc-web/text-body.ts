/**
 * The text form of gRPC-Web: bodies are base64, each flush possibly padded, so padding may stand in the middle (PROTOCOL-WEB.md).
 *
 * The trap: chunk boundaries fall anywhere, also inside a group of four characters; what is left over waits for the next chunk.
 */
import { CallError } from "../../core/call-error.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { BodyReader, Exchange } from "../../wire/exchange.ts";
import type { EnvelopeSink } from "../shared/enveloped-reply.ts";

/** A request body of base64 text, read as bytes. */
export class TextBody implements BodyReader {
  private readonly body: BodyReader;
  private readonly decoder = new Base64Decoder();

  constructor(body: BodyReader) {
    this.body = body;
  }

  get trailers(): Metadata | undefined {
    return this.body.trailers;
  }

  whole(): Uint8Array | undefined {
    const text = this.body.whole();
    if (text === undefined) return undefined;
    const bytes = this.decoder.decode(text);
    this.decoder.end();
    return bytes;
  }

  read(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const chunk = this.body.read();
    return chunk instanceof Promise ? chunk.then((text) => this.decoded(text)) : this.decoded(chunk);
  }

  cancel(): void {
    this.body.cancel();
  }

  private decoded(text: Uint8Array | undefined): Uint8Array | undefined {
    if (text !== undefined) return this.decoder.decode(text);
    this.decoder.end();
    return undefined;
  }
}

/** Base64 in pieces of any size, padded anywhere between groups. */
class Base64Decoder {
  private rest = "";

  decode(text: Uint8Array): Buffer {
    const all = this.rest + Buffer.from(text.buffer, text.byteOffset, text.length).toString("latin1");
    const whole = all.length - (all.length % 4);
    this.rest = all.slice(whole);
    const groups = all.slice(0, whole);
    if (!/^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)*$/.test(groups)) throw malformed();
    if (!groups.includes("=")) return Buffer.from(groups, "base64");
    // Node stops at the first padding, so what stands behind it is decoded on its own.
    const parts = groups.match(/[^=]+={0,2}/g) ?? [];
    return Buffer.concat(parts.map((part) => Buffer.from(part, "base64")));
  }

  /** @throws CallError when the text ended inside a group. */
  end(): void {
    if (this.rest !== "") throw malformed();
  }
}

function malformed(): CallError {
  return new CallError("INVALID_FRAMING", "the request is not base64 text", { source: "caller" });
}

/** An answer written as base64 text: every write is a padded piece of its own, so that a reader never waits for the next. */
export class TextSink implements EnvelopeSink {
  private readonly x: Exchange;

  constructor(x: Exchange) {
    this.x = x;
  }

  get open(): boolean {
    return this.x.open;
  }

  write(chunk: Uint8Array, prefix?: Uint8Array): boolean {
    const bytes = prefix === undefined ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([prefix, chunk]);
    return this.x.write(Buffer.from(bytes.toString("base64"), "latin1"));
  }

  drained(): Promise<void> {
    return this.x.drained();
  }
}
