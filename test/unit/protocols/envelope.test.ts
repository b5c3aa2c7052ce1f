import assert from "node:assert/strict";
import fc from "fast-check";
import type { CallError } from "../../../src/core/call-error.ts";
import { EnvelopeReader, envelopePrefix } from "../../../src/protocols/shared/envelope.ts";

function framed(messages: readonly { flags: number; bytes: Uint8Array }[]): Buffer {
  return Buffer.concat(messages.flatMap(({ flags, bytes }) => [Uint8Array.from(envelopePrefix(flags, bytes.length)), bytes]));
}

describe("EnvelopeReader", () => {
  it("gives back the same messages however the bytes are cut", () => {
    const message = fc.record({ flags: fc.constantFrom(0, 1), bytes: fc.uint8Array({ maxLength: 300 }) });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (messages, cuts) => {
        const wire = framed(messages);
        const reader = new EnvelopeReader(1000, "caller");
        const taken: { flags: number; bytes: number[] }[] = [];
        for (let at = 0, i = 0; at < wire.length; i++) {
          const size = cuts[i % cuts.length]!;
          reader.push(Uint8Array.from(wire.subarray(at, at + size)));
          at += size;
          for (let next = reader.take(); next !== undefined; next = reader.take())
            taken.push({ flags: next.flags, bytes: [...next.bytes] });
        }
        assert.deepEqual(
          taken,
          messages.map(({ flags, bytes }) => ({ flags, bytes: [...bytes] })),
        );
        assert.equal(reader.pendingBytes, 0);
      }),
    );
  });

  it("refuses a message over the limit as soon as its length is known", () => {
    const reader = new EnvelopeReader(10, "upstream");
    reader.push(Uint8Array.of(0, 0, 0));
    assert.equal(reader.take(), undefined);
    reader.push(Uint8Array.of(0, 11));
    assert.throws(
      () => reader.take(),
      (error: CallError) => error.reason === "UPSTREAM_MESSAGE_TOO_LARGE",
    );
  });

  it("does not take lengths above 2^31 for negative ones", () => {
    const reader = new EnvelopeReader(10, "caller");
    reader.push(Uint8Array.of(0, 255, 255, 255, 255));
    assert.throws(
      () => reader.take(),
      (error: CallError) => error.reason === "MESSAGE_TOO_LARGE",
    );
  });
});
