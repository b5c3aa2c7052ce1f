import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { canonicalJson, CodecError } from "../../src/core/message-type.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { CompiledCodec } from "../../src/schema/codec/compiled-codec.ts";
import { InterpretedCodec } from "../../src/schema/codec/interpreted-codec.ts";

const schema = buildSchema(readFileSync(new URL("../support/protos/codec/v1/codec.binpb", import.meta.url)));
const type = schema.message("codec.v1.Everything")!;
const codec = new CompiledCodec(type, canonicalJson, schema);
const walking = new InterpretedCodec(type, canonicalJson, schema);

function wireOf(json: string): Buffer {
  return Buffer.from(codec.jsonToWire(Buffer.from(json)));
}

function jsonOf(wire: Uint8Array): string {
  return Buffer.from(codec.wireToJson(wire)).toString();
}

const anyText = fc.string({ unit: "binary" });

describe("codec, for all values", () => {
  it("a double is read like Number() and printed so that it reads back the same", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.integer().map((n) => n / 100),
        ),
        (value) => {
          const wire = wireOf(`{"optDouble":${Object.is(value, -0) ? "-0" : value}}`);
          assert.ok(Object.is(wire.readDoubleLE(2), value));
          assert.ok(Object.is(Number(/:(.*)\}/.exec(jsonOf(wire))![1]), value));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("so is a decimal of any length", () => {
    const decimal = fc.tuple(
      fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }),
      fc.nat({ max: 99999999 }),
      fc.integer({ min: -40, max: 40 }),
    );
    fc.assert(
      fc.property(decimal, ([whole, fraction, exponent]) => {
        for (const text of [`${whole}.${fraction}`, `${whole}.${fraction}e${exponent}`, `${whole}E+${Math.abs(exponent)}`])
          assert.ok(Object.is(wireOf(`{"optDouble":${text}}`).readDoubleLE(2), Number(text)), text);
      }),
      { numRuns: 2000 },
    );
  });

  it("a float is printed in the shortest way that reads back the same", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const wire = Buffer.alloc(5);
        wire[0] = 0x15;
        wire.writeFloatLE(value, 1);
        const text = value === 0 && !Object.is(value, -0) ? "0" : /:(.*)\}/.exec(jsonOf(wire))![1]!;
        assert.ok(Object.is(Math.fround(Number(text)), value), text);
        assert.ok(text.replace(/[-.]|e.*/g, "").replace(/^0+/, "").length <= 9 || Number.isInteger(value), text);
      }),
      { numRuns: 2000 },
    );
  });

  it("64-bit integers keep all their digits, bare or quoted", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        const signed = value < 2n ** 63n;
        const names = [...(signed ? ["anInt64", "aSint64", "aSfixed64"] : []), ...(value >= 0n ? ["aUint64", "aFixed64"] : [])];
        for (const name of names) {
          const printed = value === 0n ? "{}" : `{"${name}":"${value}"}`;
          for (const text of [`${value}`, `"${value}"`, `${value}.0`, `"${value}e0"`])
            assert.equal(jsonOf(wireOf(`{"${name}":${text}}`)), printed);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("strings and keys come back, and print as JSON.stringify would", () => {
    fc.assert(
      fc.property(anyText, anyText, (text, key) => {
        const json = JSON.stringify({ optString: text, stringString: { [`k${key}`]: text } });
        assert.equal(jsonOf(wireOf(json)), json);
        const escaped = json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
        assert.equal(jsonOf(wireOf(escaped)), json);
      }),
      { numRuns: 1000 },
    );
  });

  it("bytes come back from base64 in both alphabets, padded or not", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        const standard = Buffer.from(bytes).toString("base64");
        const spellings = [
          standard,
          standard.replace(/=+$/, ""),
          Buffer.from(bytes).toString("base64url"),
          standard.replaceAll("/", "\\/"),
        ];
        for (const text of spellings) assert.equal(jsonOf(wireOf(`{"someBytes":"${text}"}`)), `{"someBytes":"${standard}"}`);
      }),
      { numRuns: 500 },
    );
  });

  it("every millisecond of ten thousand years is a Timestamp", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true }),
        (date) => {
          const text = date.toISOString().replace(".000Z", "Z");
          assert.equal(jsonOf(wireOf(`{"timestamp":"${text}"}`)), `{"timestamp":"${text}"}`);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("any JSON is a Value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: "binary" }), (value) => {
        const text = JSON.stringify({ value });
        assert.deepEqual(JSON.parse(jsonOf(wireOf(text))), JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it("bytes at random are refused by a CodecError or read, alike by both codecs", () => {
    const hints = fc.constantFrom(0x4a, 0x28, 0xa2, 0x01, 0x9a, 0x03, 0x0a, 0x12, 0x02, 0x7b, 0x22, 0x7d, 0x3a, 0x5b);
    fc.assert(
      fc.property(fc.array(fc.oneof(hints, fc.nat({ max: 255 })), { maxLength: 40 }), (list) => {
        const input = Buffer.from(list);
        for (const direction of ["jsonToWire", "wireToJson"] as const) {
          const outcomes = [codec, walking].map((each) => {
            try {
              return Buffer.from(each[direction](input)).toString("hex");
            } catch (error) {
              assert.ok(error instanceof CodecError);
              return `${error.path} ${error.offset} ${error.message}`;
            }
          });
          assert.equal(outcomes[0], outcomes[1]);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
