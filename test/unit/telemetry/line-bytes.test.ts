import assert from "node:assert/strict";
import fc from "fast-check";
import { LineBytes } from "../../../src/telemetry/line-bytes.ts";

function written(put: (line: LineBytes) => void): string {
  const line = new LineBytes(64);
  put(line);
  return line.bytes.toString("latin1", 0, line.used);
}

describe("line bytes", () => {
  it("whole numbers, in base 10 and 36, are as String and toString(36) have them", () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 9, 10, 35, 36, 0x7fffffff, 0x80000000)), (value) => {
        assert.equal(
          written((line) => line.integer(value)),
          String(value),
        );
        assert.equal(
          written((line) => line.base36(value)),
          value.toString(36),
        );
      }),
    );
  });

  it("thousandths are as a number rounded to three digits prints", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double({ min: 0, max: 5e6, noNaN: true }), fc.nat(), fc.constantFrom(0.0004, 0.1, 0.25, 1.5, 3e9)),
        (value) => {
          assert.equal(
            written((line) => line.thousandths(value)),
            String(Math.round(value * 1000) / 1000),
          );
        },
      ),
    );
  });

  it("padded numbers are filled up with zeros, and parts follow one another", () => {
    assert.equal(
      written((line) => {
        line.padded(7, 3);
        line.ascii("xabcx", 1, 4);
        line.put(Buffer.from("é", "latin1"));
        line.padded(1234, 3);
      }),
      "007abcé1234",
    );
  });
});
