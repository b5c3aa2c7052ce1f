/** Ten seconds of the soak, always the same choices: every call accounted for, nothing left open. `npm run soak` is the long one. */
import assert from "node:assert/strict";
import { runSoak } from "./run-soak.ts";

describe("soak", function () {
  this.timeout(240_000);

  it("accounts for every call of ten seconds of mixed traffic, and leaves nothing open", async function () {
    // Open files and sockets are counted in /proc.
    if (process.platform !== "linux") this.skip();
    const { ledger } = await runSoak({ seconds: 10, seed: 4, concurrency: 40, heapGrowthBytes: 30e6 });
    assert.deepEqual(ledger.faults, []);
    assert.ok(ledger.calls.length > 200, `${ledger.calls.length} calls`);
  });
});
