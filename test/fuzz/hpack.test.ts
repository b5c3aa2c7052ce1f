/**
 * Header blocks from an enemy. The input is several blocks for one connection, each behind its length in one byte (0xff: the rest).
 *
 * The decoder must agree with a naive one in what it takes and what it refuses, throw nothing but HpackError, and hold no more than its limits.
 */
import assert from "node:assert/strict";
import { HpackDecoder } from "../../src/wire/http2/hpack/hpack-decoder.ts";
import { HpackEncoder } from "../../src/wire/http2/hpack/hpack-encoder.ts";
import { HpackError } from "../../src/wire/http2/hpack/hpack-error.ts";
import { fuzz } from "./fuzz-run.ts";
import type { Random } from "./mutate.ts";
import { NaiveDecoder } from "./naive-hpack.ts";

const maxTableBytes = 4096;
const maxListBytes = 3000;
const maxFields = 40;

function blocksOf(input: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = 0; at < input.length;) {
    const length = input[at]! === 0xff ? input.length : input[at]!;
    blocks.push(input.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return blocks;
}

const sizeOf = (list: readonly string[]): number => list.reduce((sum, text) => sum + text.length + 16, 0);

function run(input: Buffer, random: Random): void {
  const decoder = new HpackDecoder({ maxTableBytes, maxListBytes, maxFields });
  const naive = new NaiveDecoder(maxTableBytes);
  const encoder = new HpackEncoder({ maxTableBytes });
  const peer = new HpackDecoder({ maxTableBytes, maxListBytes, maxFields });
  const seen: Buffer[] = [];
  for (const block of blocksOf(input)) {
    // A block that comes again is the cache's chance to be wrong.
    for (const sent of random.chance(2) && seen.length > 0 ? [block, block, random.pick(seen)] : [block]) {
      const expected = attempt(() => naive.decode(sent));
      const around = Buffer.concat([Buffer.alloc(random.below(4), 0x82), sent, Buffer.alloc(4, 0xff)]);
      const start = around.length - 4 - sent.length;
      let list: readonly string[];
      try {
        list = decoder.decode(around, start, start + sent.length);
      } catch (error) {
        assert.ok(error instanceof HpackError, `threw ${String(error)}`);
        assert.equal(expected, undefined, "refused what is well formed");
        return;
      }
      around.fill(0xdb);
      assert.ok(expected !== undefined, "took what is malformed");
      const fits = sizeOf(expected) <= maxListBytes && expected.length <= 2 * maxFields;
      assert.equal(decoder.lastBlockTooLarge, !fits);
      assert.deepEqual(list, fits ? expected : expected.slice(0, list.length));
      assert.ok(sizeOf(list) <= maxListBytes && list.length <= 2 * maxFields);
      assert.ok(decoder.tableBytes <= maxTableBytes);
      reencode(encoder, peer, list);
      seen.push(sent);
    }
  }
}

function reencode(encoder: HpackEncoder, peer: HpackDecoder, list: readonly string[]): void {
  const out = Buffer.alloc(encoder.bound(list));
  const end = encoder.encode(list, out, encoder.begin(out, 0));
  assert.deepEqual(peer.decode(out, 0, end), list);
}

function attempt(decode: () => string[]): string[] | undefined {
  try {
    return decode();
  } catch {
    return undefined; // the naive decoder throws for malformed blocks, and only for those
  }
}

describe("fuzz: HPACK blocks", () => {
  it("agrees with a naive decoder", () => {
    const words = [
      "82",
      "be",
      "bf",
      "40",
      "20",
      "3fe11f",
      "3fe21f",
      "00",
      "10",
      "7f",
      "ffff",
      "0f2f",
      "8cf1e3c2e5f23a6ba0ab90f4ff",
      "7fff03",
      "ff8001",
    ];
    return fuzz({ name: "hpack", run, words: words.map((hex) => Buffer.from(hex, "hex")) });
  }).timeout(60_000);
});
