/** What an endpoint of ours has sent, looked at as a peer would: frames, their order, and header blocks that a decoder can follow. */
import assert from "node:assert/strict";
import { HpackDecoder } from "../../src/wire/http2/hpack/hpack-decoder.ts";
import { flag, framesOf, type } from "./frames.ts";

/** @param output from its SETTINGS on (a client's preface is not part of it). */
export function checkOutput(output: Buffer): void {
  const decoder = new HpackDecoder({ maxTableBytes: 1 << 28, maxListBytes: 1 << 20, maxFields: 1000 });
  const ended = new Set<number>();
  let unfinished: Buffer[] | undefined;
  for (const [index, one] of framesOf(output).entries()) {
    assert.ok(one.type >= 0, "a torn frame at the end of the output");
    if (index === 0) assert.ok(one.type === type.settings && (one.flags & flag.ack) === 0, "SETTINGS come first");
    assert.ok(one.payload.length <= 16_384, "a frame that is too long");
    assert.equal(unfinished !== undefined, one.type === type.continuation, "a header block was interrupted");
    if (one.type === type.headers || one.type === type.continuation) {
      unfinished = [...(unfinished ?? []), one.payload];
      if ((one.flags & flag.endHeaders) !== 0) {
        const block = Buffer.concat(unfinished);
        const list = decoder.decode(block, 0, block.length);
        assert.ok(!list.some((text) => text.includes("\xdb\xdb\xdb\xdb")), "poison in a header block");
        unfinished = undefined;
      }
    }
    if (one.type === type.data) assert.ok(!one.payload.includes("\xdb\xdb\xdb\xdb", 0, "latin1"), "poison in DATA");
    if (one.type === type.headers || one.type === type.data) {
      assert.ok(!ended.has(one.stream), `frames on stream ${one.stream} after its end`);
      if ((one.flags & flag.endStream) !== 0) ended.add(one.stream);
    }
    if (one.type === type.reset) ended.add(one.stream);
  }
}
