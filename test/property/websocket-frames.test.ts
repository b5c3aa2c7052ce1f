/** However frames are cut into chunks, the same bytes pass, and nothing passes of a frame that is wrong, or of the beginning of a head. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { FrameFollower } from "../../src/protocols/websocket/relay/frame-follower.ts";
import { rawFrame } from "../support/socket-client.ts";

const mask = [0x11, 0x22, 0x33, 0x44] as const;
const messageBytes = 70_000;
const deflateBit = 0x40;

interface Part {
  readonly bytes: Buffer;
  /** Of a message; not of pings and the like. */
  readonly payloadBytes: number;
  readonly headBytes: number;
}

interface Passed {
  readonly output: Buffer;
  readonly follower: FrameFollower;
  /** How much had passed behind each chunk. */
  readonly ends: readonly number[];
}

function passed(input: Buffer, cuts: readonly number[], masked: boolean, reservedBits: number | undefined): Passed {
  const follower = new FrameFollower({ masked, messageBytes, reservedBits });
  const output: Buffer[] = [];
  const ends: number[] = [];
  let start = 0;
  let total = 0;
  for (const cut of [...cuts.map((each) => each % (input.length + 1)).sort((a, b) => a - b), input.length]) {
    const chunk = Buffer.from(input.subarray(start, cut));
    const passing = follower.follow(chunk);
    const released = Buffer.from(follower.released);
    output.push(released, chunk.subarray(0, passing));
    total += released.length + passing;
    ends.push(total);
    start = cut;
  }
  return { output: Buffer.concat(output), follower, ends };
}

function frame(first: number, payload: Buffer, masked: boolean): Part {
  const bytes = rawFrame({ first, payload: Buffer.from(payload), mask }, masked);
  return { bytes, payloadBytes: (first & 0x08) === 0 ? payload.length : 0, headBytes: bytes.length - payload.length };
}

const sizes = fc.oneof(fc.nat(8), fc.nat(200), fc.constantFrom(125, 126, 127, 65_535, 65_536, 66_000));
const cuts = fc.array(fc.nat(140_000), { maxLength: 20 });
const controls = fc.array(fc.tuple(fc.constantFrom(0x89, 0x8a), fc.nat(125)), { maxLength: 2 });

/** A lawful message, in one frame or several, with pings between. */
const message = (masked: boolean): fc.Arbitrary<Part[]> =>
  fc
    .record({ opcode: fc.constantFrom(1, 2), sizes: fc.array(sizes, { minLength: 1, maxLength: 3 }), controls })
    .filter(({ sizes: parts }) => parts.reduce((sum, size) => sum + size, 0) <= messageBytes)
    .map(({ opcode, sizes: parts, controls: between }) =>
      parts.flatMap((size, index) => [
        frame((index === 0 ? opcode : 0) | (index === parts.length - 1 ? 0x80 : 0), Buffer.alloc(size, index + 1), masked),
        ...between.map(([first, length]) => frame(first, Buffer.alloc(length, 7), masked)),
      ]),
    );

describe("frames of a WebSocket that is passed on", () => {
  for (const masked of [true, false])
    it(`pass as they are, ${masked ? "masked" : "unmasked"}, and end with the close frame`, () => {
      const code = fc.option(fc.integer({ min: 1000, max: 4999 }), { nil: undefined });
      fc.assert(
        fc.property(fc.array(message(masked), { maxLength: 4 }), code, cuts, (messages, closeCode, at) => {
          const parts = messages.flat();
          const reason = Buffer.from(closeCode === undefined ? [] : [closeCode >> 8, closeCode & 255, 0x6f, 0x6b]);
          const frames = [...parts, frame(0x88, reason, masked)];
          const lawful = Buffer.concat(frames.map(({ bytes }) => bytes));
          const { output, follower, ends } = passed(Buffer.concat([lawful, Buffer.from("behind the end")]), at, masked, 0);
          assert.ok(output.equals(lawful));
          assert.equal(follower.closed, true);
          assert.equal(follower.closeCode, closeCode ?? 1005);
          assert.equal(follower.violation, undefined);
          assert.equal(
            follower.payloadBytes,
            parts.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0),
          );
          assertNoHeadIsCut(frames, ends);
        }),
        { numRuns: 300 },
      );
    });

  const wrong: [string, (masked: boolean) => Buffer, number][] = [
    ["without its mask, or with one", (masked) => rawFrame({ first: 0x82, payload: "x", mask }, !masked), 1002],
    ["with reserved bits", (masked) => rawFrame({ first: 0xa1, payload: "x", mask }, masked), 1002],
    ["with the bit of an extension nobody agreed on", (masked) => rawFrame({ first: 0xc1, payload: "x", mask }, masked), 1002],
    ["of an unknown kind", (masked) => rawFrame({ first: 0x83, mask }, masked), 1002],
    ["of an unknown control kind", (masked) => rawFrame({ first: 0x8b, mask }, masked), 1002],
    ["that continues nothing", (masked) => rawFrame({ first: 0x80, payload: "x", mask }, masked), 1002],
    ["of control in pieces", (masked) => rawFrame({ first: 0x09, mask }, masked), 1002],
    ["of control with reserved bits", (masked) => rawFrame({ first: 0xc9, mask }, masked), 1002],
    ["of control that is too long", (masked) => rawFrame({ first: 0x8a, payload: Buffer.alloc(126), mask }, masked), 1002],
    ["that closes with half a code", (masked) => rawFrame({ first: 0x88, payload: "x", mask }, masked), 1002],
    ["that is too large", (masked) => rawFrame({ first: 0x82, length: messageBytes + 1, mask }, masked), 1009],
    ["of any length there is", (masked) => rawFrame({ first: 0x82, length: 2 ** 46, mask }, masked), 1009],
  ];
  for (const [what, make, closeCode] of wrong)
    it(`stop before one ${what}`, () => {
      fc.assert(
        fc.property(fc.array(message(true), { maxLength: 2 }), fc.boolean(), cuts, (messages, masked, at) => {
          const before = Buffer.concat(messages.flat().map(({ bytes }) => bytes));
          const lawful = masked ? before : Buffer.alloc(0);
          const { output, follower } = passed(Buffer.concat([lawful, make(masked), Buffer.alloc(20)]), at, masked, 0);
          assert.equal(follower.violation, closeCode);
          assert.ok(output.equals(lawful));
        }),
        { numRuns: 40 },
      );
    });

  it("stop before the fragment with which a message becomes too large", () => {
    const one = frame(0x02, Buffer.alloc(messageBytes), false).bytes;
    const { output, follower } = passed(Buffer.concat([one, frame(0x80, Buffer.alloc(1), false).bytes]), [5], false, 0);
    assert.equal(follower.violation, 1009);
    assert.ok(output.equals(one));
  });

  it("stop before one in the middle of another message", () => {
    const one = frame(0x01, Buffer.from("x"), false).bytes;
    assert.equal(passed(Buffer.concat([one, one]), [], false, 0).follower.violation, 1002);
  });

  it("stop before a length that uses the sign bit", () => {
    const bytes = Buffer.from([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 1]);
    assert.equal(passed(bytes, [1, 3], false, 0).follower.violation, 1002);
  });

  it("may be compressed where that was agreed on, by the first frame of a message alone", () => {
    const compressed = frame(0x41, Buffer.from("x"), false).bytes;
    const follows = frame(0xc0, Buffer.from("x"), false).bytes;
    assert.equal(passed(compressed, [], false, deflateBit).follower.violation, undefined);
    assert.equal(passed(Buffer.concat([compressed, follows]), [], false, deflateBit).follower.violation, 1002);
  });

  it("may be anything of their size where an unknown extension was agreed on", () => {
    const odd = Buffer.concat([0xf1, 0xb0 | 3, 0xcb].map((first) => frame(first, Buffer.from("x"), false).bytes));
    const { output, follower } = passed(odd, [1], false, undefined);
    assert.equal(follower.violation, undefined);
    assert.ok(output.equals(odd));
  });
});

/** Where a chunk ends the output is between frames or in a payload, so that a frame of ours could follow the former. */
function assertNoHeadIsCut(frames: readonly Part[], ends: readonly number[]): void {
  const heads: [number, number][] = [];
  let at = 0;
  for (const { bytes, headBytes } of frames) {
    heads.push([at, at + headBytes]);
    at += bytes.length;
  }
  for (const end of ends) for (const [from, to] of heads) assert.ok(end <= from || end >= to, `a head is cut at ${end}`);
}
