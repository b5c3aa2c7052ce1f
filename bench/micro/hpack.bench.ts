/**
 * Header blocks both ways: what a list known by identity, a block known by its bytes, a settled table and the string pool are worth.
 *
 * Each task does 100 blocks, so 100 us are 1 us a block.
 */
import type { Bench } from "tinybench";
import { HpackDecoder } from "../../src/wire/http2/hpack/hpack-decoder.ts";
import { HpackEncoder } from "../../src/wire/http2/hpack/hpack-encoder.ts";
import { decodeHuffman, maxDecodedLength } from "../../src/wire/http2/hpack/huffman-decode.ts";
import { huffmanLength, writeHuffman } from "../../src/wire/http2/hpack/huffman-encode.ts";

const blocks = 100;

const grpcRequest = [
  ...[":method", "POST", ":scheme", "http", ":path", "/shop.v1.Orders/Get", ":authority", "127.0.0.1:50051"],
  ...[
    "content-type",
    "application/grpc",
    "te",
    "trailers",
    "user-agent",
    "grpc-node-js/1.14.7",
    "grpc-accept-encoding",
    "identity,deflate,gzip",
  ],
];
const forwarded = [
  ...[
    "user-agent",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "accept",
    "application/json",
    "accept-language",
    "en-GB,en;q=0.9",
  ],
  ...[
    "x-forwarded-for",
    "10.1.2.3",
    "x-forwarded-proto",
    "https",
    "x-tenant",
    "blue",
    "cache-control",
    "no-cache",
    "cookie",
    "session=0123456789abcdef",
  ],
];

const traceparent = (i: number): string => `00-0af7651916cd43dd8448eb211c8${String(10_000 + i)}-b7ad6b7169203331-01`;

/** Blocks as an encoder sends them after it has settled. */
function settledBlocks(encoder: HpackEncoder, decoder: HpackDecoder, listOf: (i: number) => readonly (readonly string[])[]): Buffer[] {
  const encoded: Buffer[] = [];
  for (let i = 0; i < blocks * 3; i++) {
    const out = Buffer.alloc(4096);
    let at = encoder.begin(out, 0);
    for (const list of listOf(i)) at = encoder.encode(list, out, at);
    if (i < blocks * 2) decoder.decode(out, 0, at);
    else encoded.push(out.subarray(0, at));
  }
  return encoded;
}

function addDecoding(bench: Bench, name: string, listOf: (i: number) => readonly (readonly string[])[]): void {
  const decoder = new HpackDecoder({ maxTableBytes: 4096, maxListBytes: 65536, maxFields: 100 });
  const encoded = settledBlocks(new HpackEncoder({ maxTableBytes: 4096 }), decoder, listOf);
  bench.add(`decode ${name} (${encoded[0]!.length} B) x${blocks}`, () => {
    for (let i = 0; i < blocks; i++) decoder.decode(encoded[i]!, 0, encoded[i]!.length);
  });
}

function addEncoding(bench: Bench, name: string, listOf: (i: number) => readonly (readonly string[])[]): void {
  const encoder = new HpackEncoder({ maxTableBytes: 4096 });
  const out = Buffer.alloc(65536);
  const lists = Array.from({ length: blocks }, (_, i) => listOf(i));
  bench.add(`encode ${name} x${blocks}`, () => {
    for (let i = 0; i < blocks; i++) {
      let at = encoder.begin(out, 0);
      for (const list of lists[i]!) at = encoder.encode(list, out, at);
    }
  });
}

/** As for HTTP/1 requests: a new array each time, of strings that were seen before. */
function addFreshEncoding(bench: Bench, name: string, listOf: (i: number) => string[]): void {
  const encoder = new HpackEncoder({ maxTableBytes: 4096 });
  const out = Buffer.alloc(65536);
  const lists = Array.from({ length: blocks }, (_, i) => listOf(i));
  bench.add(`encode ${name} x${blocks}`, () => {
    for (let i = 0; i < blocks; i++) encoder.encode(lists[i]!.slice(), out, encoder.begin(out, 0));
  });
}

export default function (bench: Bench): void {
  addEncoding(bench, "8 fields, the same list (identity)", () => [grpcRequest]);
  addEncoding(bench, "the same list and a fresh traceparent", (i) => [grpcRequest, ["traceparent", traceparent(i)]]);
  addFreshEncoding(bench, "8 fields, fresh lists of settled values", () => grpcRequest);
  addFreshEncoding(bench, "8 forwarded fields, fresh lists, a cookie in them", () => forwarded);
  addFreshEncoding(bench, "8 fields, all values new", (i) => forwarded.map((text, at) => (at % 2 === 0 ? text : `${text}${i}`)));

  addDecoding(bench, "8 settled fields, the same block", () => [grpcRequest]);
  addDecoding(bench, "8 settled fields and a fresh traceparent", (i) => [grpcRequest, ["traceparent", traceparent(i)]]);
  addDecoding(bench, "8 forwarded fields, values new", (i) => [forwarded.map((text, at) => (at % 2 === 0 ? text : `${text}${i}`))]);

  const text = forwarded.join(" ");
  const coded = new Uint8Array(huffmanLength(text));
  writeHuffman(coded, 0, text);
  const decoded = new Uint8Array(maxDecodedLength(coded.length));
  bench.add(`Huffman, decode to ${text.length} B x${blocks}`, () => {
    for (let i = 0; i < blocks; i++) decodeHuffman(coded, 0, coded.length, decoded);
  });
  bench.add(`Huffman, encode ${text.length} B x${blocks}`, () => {
    for (let i = 0; i < blocks; i++) writeHuffman(coded, 0, text);
  });
}
