/** Encoder and decoder against one another, and the decoder against a peer that uses every representation and evicts all the time. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { HpackDecoder } from "../../src/wire/http2/hpack/hpack-decoder.ts";
import { HpackEncoder } from "../../src/wire/http2/hpack/hpack-encoder.ts";
import { writeInteger } from "../../src/wire/http2/hpack/hpack-integer.ts";
import { huffmanLength, writeHuffman } from "../../src/wire/http2/hpack/huffman-encode.ts";
import { staticCount, staticNames, staticValues } from "../../src/wire/http2/hpack/static-table.ts";

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 40 });
const name = fc.oneof(fc.constantFrom("x-a", "x-b", "content-type", "cookie", "traceparent", "x-api-key", "user-agent", ""), latin1);
const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("", "1", "2", "application/grpc", "a".repeat(130)) },
  { weight: 2, arbitrary: latin1 },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 5000 }).map((length) => "z".repeat(length)) },
);
const pair = fc.oneof(
  { weight: 1, arbitrary: fc.integer({ min: 1, max: staticCount }).map((index) => [staticNames[index]!, staticValues[index]!] as const) },
  { weight: 3, arbitrary: fc.tuple(name, value) },
);
const list = fc.array(pair, { maxLength: 8 }).map((pairs) => pairs.flat());

type Step =
  | { readonly kind: "block"; readonly lists: readonly number[]; readonly fresh: boolean }
  | { readonly kind: "resize"; readonly bytes: number }
  | { readonly kind: "wide"; readonly list: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("block" as const),
      lists: fc.array(fc.nat({ max: 9 }), { maxLength: 4 }),
      fresh: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("resize" as const), bytes: fc.constantFrom(0, 31, 64, 200, 1000, 4096, 9000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wide" as const), list: fc.nat({ max: 9 }) }) },
);

describe("HPACK, properties", () => {
  it("what is encoded is decoded, whatever the tables' sizes do", () => {
    const lists = fc.array(list, { minLength: 10, maxLength: 10 });
    const property = fc.property(
      lists,
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(0, 100, 4096, 8192),
      (pool, steps, maxTableBytes) => {
        const encoder = new HpackEncoder({ maxTableBytes });
        const decoder = new HpackDecoder({ maxTableBytes: 9000, maxListBytes: 1 << 20, maxFields: 1000 });
        const out = Buffer.alloc(64 * 1024);
        for (const next of steps) {
          if (next.kind === "resize") {
            encoder.setPeerTableSize(next.bytes);
          } else if (next.kind === "wide") {
            const at = encoder.encode(pool[next.list]!, out, encoder.begin(out, 0));
            assert.throws(() => encoder.encode(["x-a", "1", "x-wide", "Ā"], out, at));
          } else {
            const sent = next.lists.map((index) => (next.fresh ? [...pool[index]!] : pool[index]!));
            out.fill(0xa5);
            let at = encoder.begin(out, 0);
            for (const one of sent) {
              const end = encoder.encode(one, out, at);
              assert.ok(end - at <= encoder.bound(one));
              at = end;
            }
            assert.deepEqual(decoder.decode(out, 0, at), sent.flat());
          }
        }
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });

  it("a decoder follows a peer that evicts with every block", () => {
    const choice = fc.record({
      pair,
      form: fc.constantFrom("insert", "plain", "never"),
      huffman: fc.boolean(),
      useIndex: fc.boolean(),
    });
    const block = fc.record({
      resize: fc.option(fc.integer({ min: 0, max: 600 })),
      fields: fc.array(choice, { maxLength: 12 }),
      again: fc.nat({ max: 3 }),
    });
    const property = fc.property(fc.array(block, { maxLength: 25 }), (blocks) => {
      const peer = new EvictingPeer();
      const decoder = new HpackDecoder({ maxTableBytes: 4096, maxListBytes: 1 << 20, maxFields: 1000 });
      for (const { resize, fields, again } of blocks) {
        for (let i = 0; i <= again; i++) {
          peer.begin(i === 0 ? resize : null);
          for (const {
            pair: [fieldName, fieldValue],
            form,
            huffman,
            useIndex,
          } of fields)
            peer.write(fieldName, fieldValue, form, huffman, useIndex);
          assert.deepEqual(
            decoder.decode(peer.out, 0, peer.at),
            fields.flatMap((field) => field.pair),
          );
          assert.equal(decoder.tableBytes, peer.tableBytes);
        }
      }
    });
    fc.assert(property, { numRuns: 1000 });
  });
});

/** The dynamic table as the RFC tells it, with no thought for speed. */
class EvictingPeer {
  readonly out = Buffer.alloc(256 * 1024);
  at = 0;
  private readonly table: (readonly [string, string])[] = [];
  private limitBytes = 4096;

  get tableBytes(): number {
    return this.table.reduce((sum, [fieldName, fieldValue]) => sum + fieldName.length + fieldValue.length + 32, 0);
  }

  begin(resize: number | null): void {
    this.out.fill(0xa5, 0, this.at);
    this.at = 0;
    if (resize === null) return;
    this.limitBytes = resize;
    this.evict();
    this.at = writeInteger(this.out, 0, resize, 5, 0x20);
  }

  write(fieldName: string, fieldValue: string, form: "insert" | "plain" | "never", huffman: boolean, useIndex: boolean): void {
    const all = [...staticNames.map((known, index) => [known, staticValues[index]!] as const), ...this.table];
    const whole = all.findIndex(([n, v], index) => index > 0 && n === fieldName && v === fieldValue);
    if (useIndex && whole > 0) {
      this.at = writeInteger(this.out, this.at, whole, 7, 0x80);
      return;
    }
    const named = useIndex
      ? Math.max(
          0,
          all.findIndex(([n], index) => index > 0 && n === fieldName),
        )
      : 0;
    if (form === "insert") this.at = writeInteger(this.out, this.at, named, 6, 0x40);
    else this.at = writeInteger(this.out, this.at, named, 4, form === "never" ? 0x10 : 0);
    if (named === 0) this.string(fieldName, huffman);
    this.string(fieldValue, huffman);
    if (form === "insert") {
      this.table.unshift([fieldName, fieldValue]);
      this.evict();
    }
  }

  private evict(): void {
    while (this.tableBytes > this.limitBytes) this.table.pop();
  }

  private string(text: string, huffman: boolean): void {
    this.at = writeInteger(this.out, this.at, huffman ? huffmanLength(text) : text.length, 7, huffman ? 0x80 : 0);
    if (huffman) this.at = writeHuffman(this.out, this.at, text);
    else this.at += this.out.write(text, this.at, "latin1");
  }
}
