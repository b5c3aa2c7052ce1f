import assert from "node:assert/strict";
import type { ByteChannel } from "../../../src/wire/byte-channel.ts";
import { LentBuffers } from "../../../src/wire/lent-buffers.ts";

/** A socket that has so many bytes to write. */
function holder(queuedBytes: number): ByteChannel & { queuedBytes: number } {
  return { queuedBytes } as ByteChannel & { queuedBytes: number };
}

describe("lent buffers", () => {
  it("come back when their socket has written everything, and not before", () => {
    const lent = new LentBuffers(64);
    const [first, second] = [Buffer.alloc(64), Buffer.alloc(64)];
    const [slow, fast] = [holder(1), holder(1)];
    lent.lend(first, slow);
    lent.lend(second, fast);
    const fresh = lent.take();
    assert.ok(fresh !== first && fresh !== second && fresh.length === 64);
    fast.queuedBytes = 0;
    assert.equal(lent.take(), second);
    assert.notEqual(lent.take(), second);
    slow.queuedBytes = 0;
    assert.equal(lent.take(), first);
  });

  it("are forgotten, oldest first, when there are many", () => {
    const lent = new LentBuffers(64);
    const done = holder(0);
    const buffers: Buffer[] = Array.from({ length: 20 }, () => Buffer.alloc(64));
    for (const buffer of buffers) lent.lend(buffer, done);
    const back = Array.from({ length: 20 }, () => lent.take()).filter((buffer) => buffers.includes(buffer));
    assert.deepEqual(back, buffers.slice(12));
  });
});
