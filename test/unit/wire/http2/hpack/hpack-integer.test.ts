/** RFC 7541, appendix C.1, and the bounds. */
import assert from "node:assert/strict";
import { HpackError } from "../../../../../src/wire/http2/hpack/hpack-error.ts";
import { readInteger, writeInteger } from "../../../../../src/wire/http2/hpack/hpack-integer.ts";

function read(hex: string, prefixBits: number, hiddenTail = 0): { value: number; at: number } {
  const bytes = Buffer.from(hex, "hex");
  const cursor = { bytes, at: 1, end: bytes.length - hiddenTail };
  return { value: readInteger(cursor, bytes[0]!, prefixBits), at: cursor.at };
}

describe("HPACK integers", () => {
  const cases = [
    // value     prefix  bytes
    [10, 5, "0a"], // C.1.1
    [1337, 5, "1f9a0a"], // C.1.2
    [42, 8, "2a"], // C.1.3
    [30, 5, "1e"],
    [31, 5, "1f00"],
    [127, 7, "7f00"],
    [254, 7, "7f7f"],
    [255, 7, "7f8001"],
    [2 ** 28 - 1 + 127, 7, "7fffffff7f"],
  ] as const;
  for (const [value, prefixBits, hex] of cases) {
    it(`${value} with a prefix of ${prefixBits} bits is ${hex}`, () => {
      const out = new Uint8Array(8);
      const end = writeInteger(out, 0, value, prefixBits, 0);
      assert.equal(Buffer.from(out.subarray(0, end)).toString("hex"), hex);
      assert.deepEqual(read(hex, prefixBits), { value, at: hex.length / 2 });
    });
  }

  it("ignores the bits above the prefix", () => assert.equal(read("ea", 5).value, 10));

  for (const hex of ["7fffffffff01", "7f8080808000", "7fffffffffffffffffff"]) {
    it(`${hex} is more than any table or string needs`, () =>
      assert.throws(
        () => read(hex, 7),
        (error) => error instanceof HpackError && error.fault === "INTEGER_OVERFLOW",
      ));
  }

  it("does not read past the end of the block, though the buffer goes on", () =>
    assert.throws(
      () => read("7f8001", 7, 1),
      (error) => error instanceof HpackError && error.fault === "TRUNCATED",
    ));
});
