/** The header blocks of RFC 7541, appendix C, what must be refused, and what the cache may and may not do. */
import assert from "node:assert/strict";
import { HpackDecoder } from "../../../../../src/wire/http2/hpack/hpack-decoder.ts";
import { HpackError, type HpackFault } from "../../../../../src/wire/http2/hpack/hpack-error.ts";

function decoder(options: Partial<{ maxTableBytes: number; maxListBytes: number; maxFields: number }> = {}): HpackDecoder {
  return new HpackDecoder({ maxTableBytes: 4096, maxListBytes: 65536, maxFields: 100, ...options });
}

/** Decodes from the middle of a larger buffer, as the engine does. */
function decode(to: HpackDecoder, hex: string): readonly string[] {
  const block = Buffer.from(hex.replaceAll(" ", ""), "hex");
  const around = Buffer.concat([Buffer.from([0xff, 0x82, 0x7f]), block, Buffer.from([0x82, 0x86, 0xff])]);
  const list = to.decode(around, 3, 3 + block.length);
  around.fill(0xa5);
  return list;
}

const fields = (text: string): string[] => text.split("\n").flatMap((line) => line.trim().split(/(?<=.): /));

/** Table size 256, as appendix C.5 and C.6 assume. */
const size256 = "3fe101";

const firstRequest = fields(`:method: GET
  :scheme: http
  :path: /
  :authority: www.example.com`);
const secondRequest = [...firstRequest, "cache-control", "no-cache"];
const thirdRequest = fields(`:method: GET
  :scheme: https
  :path: /index.html
  :authority: www.example.com
  custom-key: custom-value`);
const firstResponse = fields(`:status: 302
  cache-control: private
  date: Mon, 21 Oct 2013 20:13:21 GMT
  location: https://www.example.com`);
const secondResponse = [":status", "307", ...firstResponse.slice(2)];
const thirdResponse = fields(`:status: 200
  cache-control: private
  date: Mon, 21 Oct 2013 20:13:22 GMT
  location: https://www.example.com
  content-encoding: gzip
  set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1`);

describe("HpackDecoder", () => {
  describe("RFC 7541, appendix C", () => {
    const series: readonly (readonly [title: string, blocks: readonly (readonly [hex: string, list: string[], tableBytes: number])[]])[] = [
      ["C.2.1 literal with indexing", [["400a637573746f6d2d6b65790d637573746f6d2d686561646572", ["custom-key", "custom-header"], 55]]],
      ["C.2.2 literal without indexing", [["040c2f73616d706c652f70617468", [":path", "/sample/path"], 0]]],
      ["C.2.3 literal never indexed", [["100870617373776f726406736563726574", ["password", "secret"], 0]]],
      ["C.2.4 indexed", [["82", [":method", "GET"], 0]]],
      [
        "C.3 requests without Huffman coding",
        [
          ["828684410f7777772e6578616d706c652e636f6d", firstRequest, 57],
          ["828684be58086e6f2d6361636865", secondRequest, 110],
          ["828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", thirdRequest, 164],
        ],
      ],
      [
        "C.4 requests with Huffman coding",
        [
          ["828684418cf1e3c2e5f23a6ba0ab90f4ff", firstRequest, 57],
          ["828684be5886a8eb10649cbf", secondRequest, 110],
          ["828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", thirdRequest, 164],
        ],
      ],
      [
        "C.5 responses without Huffman coding, with evictions",
        [
          [
            `${size256} 4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d`,
            firstResponse,
            222,
          ],
          ["4803333037c1c0bf", secondResponse, 222],
          [
            "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
            thirdResponse,
            215,
          ],
        ],
      ],
      [
        "C.6 responses with Huffman coding, with evictions",
        [
          [
            `${size256} 488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3`,
            firstResponse,
            222,
          ],
          ["4883640effc1c0bf", secondResponse, 222],
          [
            "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
            thirdResponse,
            215,
          ],
        ],
      ],
    ];
    for (const [title, blocks] of series) {
      it(title, () => {
        const hpack = decoder();
        for (const [hex, list, tableBytes] of blocks) {
          assert.deepEqual(decode(hpack, hex), list);
          assert.equal(hpack.tableBytes, tableBytes);
        }
      });
    }
  });

  describe("refuses", () => {
    const cases: readonly (readonly [hex: string, fault: HpackFault, why: string])[] = [
      ["80", "BAD_INDEX", "index 0"],
      ["be", "BAD_INDEX", "an index into the empty table"],
      ["ff8001", "BAD_INDEX", "an index far beyond the table"],
      ["7e0161", "BAD_INDEX", "a name index into the empty table"],
      ["0f2f0161", "BAD_INDEX", "a name index into the empty table, not indexed"],
      ["ffffffffff0f", "INTEGER_OVERFLOW", "a huge index"],
      ["00ffffffffff0f", "INTEGER_OVERFLOW", "a huge length"],
      ["ff", "TRUNCATED", "an index that goes on after the end"],
      ["40", "TRUNCATED", "no name"],
      ["4001", "TRUNCATED", "a name that goes on after the end"],
      ["400161", "TRUNCATED", "no value"],
      ["40016105", "TRUNCATED", "a value that goes on after the end"],
      ["4001610261", "TRUNCATED", "a value one byte short"],
      ["8220", "LATE_TABLE_SIZE", "a size update after a field"],
      ["3fe21f", "BAD_TABLE_SIZE", "a table larger than we announced (4097)"],
      ["0081ff0161", "BAD_HUFFMAN", "a name of padding only"],
      ["00016184ffffffff", "BAD_HUFFMAN", "a value with EOS"],
    ];
    for (const [hex, fault, why] of cases) {
      it(`${hex}: ${why}`, () =>
        assert.throws(
          () => decode(decoder(), hex),
          (error) => error instanceof HpackError && error.fault === fault,
        ));
    }
  });

  it("takes size updates at the start of a block, the last one counts", () => {
    const hpack = decoder();
    decode(hpack, "400161016240016301 64");
    assert.equal(hpack.tableBytes, 68);
    assert.deepEqual(decode(hpack, "20 3fe11f bf".slice(0, 10)), []);
    assert.equal(hpack.tableBytes, 0);
    assert.throws(() => decode(hpack, "be"), HpackError);
  });

  it("empties the table for an entry that is larger than it", () => {
    const hpack = decoder();
    decode(hpack, `3f21 40016101 62`); // 64 bytes
    assert.equal(hpack.tableBytes, 34);
    assert.deepEqual(decode(hpack, `400161 21 ${"78".repeat(33)}`), ["a", "x".repeat(33)]);
    assert.equal(hpack.tableBytes, 0);
  });

  it("reads bytes as latin1", () => assert.deepEqual(decode(decoder(), "000378e9ff03000a80"), ["xéÿ", "\0\n\x80"]));

  describe("limits", () => {
    const field = `0001 61 01 62`; // 2 characters, counts 34 bytes

    it("gives what fits and says that there was more", () => {
      const hpack = decoder({ maxListBytes: 70 });
      assert.deepEqual(decode(hpack, field.repeat(2)), ["a", "b", "a", "b"]);
      assert.equal(hpack.lastBlockTooLarge, false);
      for (let again = 0; again < 4; again++) {
        assert.deepEqual(decode(hpack, field.repeat(3)), ["a", "b", "a", "b"]);
        assert.equal(hpack.lastBlockTooLarge, true);
      }
      assert.deepEqual(decode(hpack, field), ["a", "b"]);
      assert.equal(hpack.lastBlockTooLarge, false);
    });

    it("counts fields", () => {
      const hpack = decoder({ maxFields: 2 });
      assert.equal(decode(hpack, field.repeat(3)).length, 4);
      assert.equal(hpack.lastBlockTooLarge, true);
    });

    it("keeps the table right all the same", () => {
      const hpack = decoder({ maxFields: 1 });
      decode(hpack, "82 4001610162 4001630164");
      assert.equal(hpack.lastBlockTooLarge, true);
      assert.deepEqual(decode(hpack, "bf"), ["a", "b"]);
      assert.deepEqual(decode(hpack, "be"), ["c", "d"]);
      assert.throws(() => decode(hpack, `${field.repeat(2)} 80`), HpackError);
    });

    it("a bomb of one-byte references costs no memory", () => {
      const hpack = decoder();
      decode(hpack, `400161 7f811e ${"78".repeat(0x7f + 0xf01)}`);
      const list = decode(hpack, "be".repeat(16_000));
      assert.equal(hpack.lastBlockTooLarge, true);
      assert.ok(list.length <= 2 * 16);
    });
  });

  describe("the cache", () => {
    it("gives the same list for the same bytes", () => {
      const hpack = decoder();
      const lists = Array.from({ length: 4 }, () => decode(hpack, "8286 0001 61 01 62"));
      for (const list of lists) assert.deepEqual(list, [":method", "GET", ":scheme", "http", "a", "b"]);
      assert.equal(lists[2], lists[3]);
    });

    it("gives it while the table stands still, also with dynamic indices", () => {
      const hpack = decoder();
      decode(hpack, "4001610162");
      const lists = Array.from({ length: 4 }, () => decode(hpack, "be"));
      assert.equal(lists[2], lists[3]);
      decode(hpack, "4001630164");
      assert.deepEqual(decode(hpack, "be"), ["c", "d"]);
      assert.deepEqual(decode(hpack, "be"), ["c", "d"]);
    });

    it("keeps static blocks over insertions", () => {
      const hpack = decoder();
      const lists = Array.from({ length: 3 }, () => decode(hpack, "82"));
      decode(hpack, "4001630164");
      assert.equal(decode(hpack, "82"), lists[2]);
    });

    it("never skips an insertion", () => {
      const hpack = decoder();
      for (let count = 1; count <= 5; count++) {
        decode(hpack, "4001610162");
        assert.equal(hpack.tableBytes, count * 34);
      }
    });

    it("never skips a size update", () => {
      const hpack = decoder();
      const shrinks = "20 3fe11f 82";
      for (let count = 0; count < 5; count++) {
        decode(hpack, "4001610162");
        decode(hpack, shrinks);
        assert.equal(hpack.tableBytes, 0);
      }
    });

    it("forgets across a shrunk table", () => {
      const hpack = decoder();
      decode(hpack, "4001610162");
      for (let count = 0; count < 3; count++) decode(hpack, "be");
      decode(hpack, "20");
      assert.throws(() => decode(hpack, "be"), HpackError);
    });
  });
});
