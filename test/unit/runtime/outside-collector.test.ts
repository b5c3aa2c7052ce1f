import assert from "node:assert/strict";
import { noteOutsideMemory, onOutsideMemory } from "../../../src/core/outside-memory.ts";
import { collectOutsideMemory } from "../../../src/runtime/outside-collector.ts";
import { until } from "../../support/until.ts";

describe("collecting memory outside the heap", () => {
  afterEach(() => onOutsideMemory(Infinity, () => undefined));

  it("frees what streamed bytes leave behind, where V8 would wait", async function () {
    // A full collection of everything that mocha holds takes its time.
    this.timeout(60_000);
    collectOutsideMemory();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let turn = 0; turn < 96; turn++) {
      for (let i = 0; i < 16; i++) noteOutsideMemory(Buffer.allocUnsafeSlow(64 << 10).length);
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    // 96 MiB went by.
    assert.ok(most < 48 << 20, `${most} bytes lay about`);
    await until(
      () => {
        noteOutsideMemory(8 << 20);
        return process.memoryUsage().arrayBuffers - before < 16 << 20;
      },
      "them to be freed",
      30_000,
    );
  });
});
