/**
 * Request bodies with a content encoding (RFC 9110, section 8.4), opened as they are read.
 *
 * The trap: opened bytes may be a thousand times the bytes that came. They are made only as they are asked for, and whoever asks counts them,
 * so a bomb ends at the size limit and not in memory.
 */
import { pipeline, type Duplex } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { CallError } from "../../core/call-error.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { BodyReader } from "../../wire/exchange.ts";
import { WireError } from "../../wire/wire-error.ts";

const openers: ReadonlyMap<string, () => Duplex> = new Map([
  ["gzip", (): Duplex => createGunzip()],
  ["x-gzip", (): Duplex => createGunzip()],
  ["deflate", (): Duplex => createInflate()],
  ["br", (): Duplex => createBrotliDecompress()],
  ["zstd", (): Duplex => createZstdDecompress()],
]);

/** More than one is unusual, more than two is an attack. */
const maxCodings = 2;

/**
 * `body` without its encodings.
 * @param contentEncoding the header's value: the codings in the order in which they were applied
 * @throws CallError UNSUPPORTED_ENCODING
 */
export function decodedBody(body: BodyReader, contentEncoding: string): BodyReader {
  const codings = contentEncoding.split(",").map((coding) => coding.trim().toLowerCase());
  const applied = codings.filter((coding) => coding !== "" && coding !== "identity");
  if (applied.length > maxCodings || applied.some((coding) => !openers.has(coding)))
    throw new CallError("UNSUPPORTED_ENCODING", `content encoding ${JSON.stringify(contentEncoding)} is not supported`, {
      source: "caller",
      headers: ["accept-encoding", "gzip, br, zstd, deflate"],
    });
  return applied.reduceRight<BodyReader>((inner, coding) => new DecodedBody(inner, coding), body);
}

class DecodedBody implements BodyReader {
  private readonly inner: BodyReader;
  private readonly coding: string;
  private decoder: Duplex | undefined;
  private chunks: AsyncIterator<Uint8Array> | undefined;
  private over = false;
  /** What the encoded body failed with: it is the reason, and the decoder's complaint only follows from it. */
  private wireFailure: WireError | undefined;

  constructor(inner: BodyReader, coding: string) {
    this.inner = inner;
    this.coding = coding;
  }

  get trailers(): Metadata | undefined {
    return this.inner.trailers;
  }

  whole(): Uint8Array | undefined {
    return undefined;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.over) return undefined;
    try {
      const next = await (this.chunks ??= this.open()).next();
      if (next.done !== true) return next.value;
      this.over = true;
      return undefined;
    } catch (cause) {
      this.over = true;
      if (this.wireFailure !== undefined) throw this.wireFailure;
      if (cause instanceof CallError) throw cause;
      throw new CallError("BAD_REQUEST", `the body is not valid ${this.coding}`, { source: "caller", cause });
    }
  }

  cancel(): void {
    this.over = true;
    this.decoder?.destroy();
    this.inner.cancel();
  }

  private open(): AsyncIterator<Uint8Array> {
    const decoder = (this.decoder = openers.get(this.coding)!());
    const chunks = decoder[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    // Failures come out of the iterator; an empty body has nothing to open.
    pipeline(this.encoded(decoder), decoder, () => undefined);
    return chunks;
  }

  private async *encoded(decoder: Duplex): AsyncGenerator<Uint8Array> {
    let some = false;
    try {
      for (;;) {
        const next = this.inner.read();
        const chunk = next instanceof Promise ? await next : next;
        if (chunk === undefined) break;
        if (chunk.length === 0) continue;
        some = true;
        yield chunk;
      }
    } catch (error) {
      if (error instanceof WireError) this.wireFailure = error;
      throw error;
    }
    if (!some) decoder.push(null);
  }
}
