/**
 * Answers with a content encoding (RFC 9110, section 12.5.3), where the caller asked for one and the answer is large enough to gain by it.
 *
 * The trap: a stream that is compressed must be flushed behind every message, or its reader waits for the compressor's window to fill.
 */
import { promisify } from "node:util";
import {
  brotliCompress,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflate,
  gzip,
  zstdCompress,
  type BrotliCompress,
  type Deflate,
  type Gzip,
  type ZstdCompress,
} from "node:zlib";

type Compressor = Gzip | Deflate | BrotliCompress | ZstdCompress;

interface Encoding {
  readonly name: string;
  readonly whole: (bytes: Uint8Array) => Promise<Buffer>;
  readonly stream: () => Compressor;
  readonly flush: number;
}

// Levels for answers made on the way: most of the gain at a fraction of the time.
const level = { level: 4 };
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
// A stream holds its compressor as long as it lives, and there may be thousands of them.
const streamLevel = { level: 4, windowBits: 13, memLevel: 5, chunkSize: 4096 };
const [gzipWhole, deflateWhole, brotliWhole, zstdWhole] = [
  promisify<Uint8Array, object, Buffer>(gzip),
  promisify<Uint8Array, object, Buffer>(deflate),
  promisify<Uint8Array, object, Buffer>(brotliCompress),
  promisify<Uint8Array, object, Buffer>(zstdCompress),
];

/** In order of preference among those the caller likes equally. */
const encodings: readonly Encoding[] = [
  { name: "zstd", whole: (bytes) => zstdWhole(bytes, {}), stream: () => createZstdCompress(), flush: constants.ZSTD_e_flush },
  {
    name: "br",
    whole: (bytes) => brotliWhole(bytes, brotli),
    stream: () => createBrotliCompress(brotli),
    flush: constants.BROTLI_OPERATION_FLUSH,
  },
  { name: "gzip", whole: (bytes) => gzipWhole(bytes, level), stream: () => createGzip(streamLevel), flush: constants.Z_SYNC_FLUSH },
  {
    name: "deflate",
    whole: (bytes) => deflateWhole(bytes, level),
    stream: () => createDeflate(streamLevel),
    flush: constants.Z_SYNC_FLUSH,
  },
];

/** For streams gzip comes first: its compressor takes 130 KiB, those of br and zstd 550 to 800. */
const streamOrder = ["gzip", "deflate", "br", "zstd"];
const streamEncodings = streamOrder.map((name) => encodings.find((encoding) => encoding.name === name)!);

/** The encoding to answer with; undefined: as it is. */
export function acceptedEncoding(acceptEncoding: string | undefined, streams = false): Encoding | undefined {
  if (acceptEncoding === undefined) return undefined;
  const qualities = new Map<string, number>();
  for (const entry of acceptEncoding.toLowerCase().split(",", 32)) {
    const [name, ...parameters] = entry.split(";").map((part) => part.trim());
    const quality = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
    if (name !== "") qualities.set(name!, quality);
  }
  let best: Encoding | undefined;
  // What the caller would rather have as it is, stays so.
  let bestQuality = Math.max(0, (qualities.get("identity") ?? 0) - Number.EPSILON);
  for (const encoding of streams ? streamEncodings : encodings) {
    const quality = qualities.get(encoding.name) ?? qualities.get("*") ?? 0;
    if (!(quality > bestQuality)) continue;
    best = encoding;
    bestQuality = quality;
  }
  return best;
}

/** Compresses a stream, message by message. */
export class StreamEncoder {
  private readonly compressor: Compressor;
  private readonly flush: number;
  private readonly ended: Promise<void>;
  /** @param write takes compressed bytes as they come. */
  constructor({ stream, flush }: Encoding, write: (bytes: Uint8Array) => void) {
    this.flush = flush;
    this.compressor = stream();
    this.compressor.on("data", write);
    this.ended = new Promise((resolve) => this.compressor.once("end", resolve).once("close", resolve));
  }

  /** Settles when everything up to here has been handed to `write`. */
  write(bytes: Uint8Array): Promise<void> {
    this.compressor.write(bytes);
    return new Promise((resolve) => this.compressor.flush(this.flush, () => resolve()));
  }

  /** Writes the end of the encoding. */
  finish(): Promise<void> {
    this.compressor.end();
    return this.ended;
  }

  destroy(): void {
    this.compressor.destroy();
  }
}
