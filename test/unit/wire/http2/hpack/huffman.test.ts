/** The Huffman code of RFC 7541, appendix B: the strings of appendix C, every symbol, and what must be refused. */
import assert from "node:assert/strict";
import { codeBits, codes } from "../../../../../src/wire/http2/hpack/huffman-code.ts";
import { decodeHuffman, maxDecodedLength } from "../../../../../src/wire/http2/hpack/huffman-decode.ts";
import { huffmanLength, writeHuffman } from "../../../../../src/wire/http2/hpack/huffman-encode.ts";
import { HpackError } from "../../../../../src/wire/http2/hpack/hpack-error.ts";

function encode(text: string): string {
  const out = new Uint8Array(text.length * 4 + 1);
  const length = writeHuffman(out, 0, text);
  assert.equal(length, huffmanLength(text));
  return Buffer.from(out.subarray(0, length)).toString("hex");
}

function decode(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  const out = new Uint8Array(maxDecodedLength(bytes.length));
  return Buffer.from(out.subarray(0, decodeHuffman(bytes, 0, bytes.length, out))).toString("latin1");
}

describe("Huffman code", () => {
  const cases = [
    ["www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"],
    ["no-cache", "a8eb10649cbf"],
    ["custom-key", "25a849e95ba97d7f"],
    ["custom-value", "25a849e95bb8e8b4bf"],
    ["302", "6402"],
    ["private", "aec3771a4b"],
    ["Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"],
    ["https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"],
    ["gzip", "9bd9ab"],
    [
      "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
      "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ],
    ["", ""],
  ] as const;
  for (const [text, hex] of cases) {
    it(`"${text}"`, () => {
      assert.equal(encode(text), hex);
      assert.equal(decode(hex), text);
    });
  }

  it("is complete: no bit pattern is without meaning", () =>
    assert.equal(
      codeBits.reduce((sum, bits) => sum + 2 ** -bits, 0),
      1,
    ));

  it("has the codes of appendix B", () => {
    const some = [
      [0, 0x1ff8],
      [48, 0x0],
      [97, 0x3],
      [122, 0x7b],
      [10, 0x3ffffffc],
      [92, 0x7fff0],
      [127, 0xffffffc],
      [255, 0x3ffffee],
      [256, 0x3fffffff],
    ] as const;
    for (const [symbol, code] of some) assert.equal(codes[symbol], code, `symbol ${symbol}`);
  });

  it("takes every byte back, alone and in a row", () => {
    const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
    for (const one of all) assert.equal(decode(encode(one)), one);
    assert.equal(decode(encode(all.join(""))), all.join(""));
  });

  const wrong = [
    ["ffffffff", "EOS alone"],
    ["1fffffffff", "EOS after a symbol"],
    ["1fff", "padding of more than 7 bits"],
    ["ff", "8 bits of padding"],
    ["00", "padding of zeros"],
    ["1e", "padding that ends in a zero"],
    ["fe", "an unfinished code"],
  ] as const;
  for (const [hex, why] of wrong) {
    it(`refuses ${hex}: ${why}`, () =>
      assert.throws(
        () => decode(hex),
        (error) => error instanceof HpackError && error.fault === "BAD_HUFFMAN",
      ));
  }
});
