/** Retries and hedging, case by case (grpc/proposal A6; docs/policies/retry.md and hedge.md), over real sockets and with time that stands still. */
import assert from "node:assert/strict";
import { cases } from "./cases.ts";
import { Stage } from "./play.ts";

describe("retries", () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.open();
  });
  after(() => stage.close());

  for (const one of cases)
    it(one.what, async () => {
      const { sentAtMs, code, previous, counted, executed, requests, endedAtMs } = await stage.play(one);
      assert.deepEqual({ sentAtMs, code }, { sentAtMs: one.sentAtMs, code: one.code });
      if (one.lastsMs !== undefined) assert.ok(endedAtMs >= one.lastsMs && endedAtMs <= one.lastsMs + 10, `over at ${endedAtMs}`);
      if (one.previous !== undefined) assert.deepEqual(previous, one.previous);
      if (one.counted !== undefined) assert.deepEqual(counted, one.counted);
      if (one.method === "plain" || one.method === "stream") assert.ok(executed <= 1, `carried out ${executed} times`);
      if (one.sends !== undefined) {
        const bytes = one.sends.reduce((sum, sizeBytes) => sum + sizeBytes + 5, 0);
        assert.equal(requests.at(-1), bytes, "the last attempt had all of the request");
      }
    });

  it("are told in a hundred cases", () => {
    assert.ok(cases.length >= 100, String(cases.length));
    assert.equal(new Set(cases.map(({ what }) => what)).size, cases.length);
  });
});
