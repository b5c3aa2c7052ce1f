/** The budget against what it promises: no ten seconds have more retries than their calls and their seconds allow. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { RetryBudget, RetryBudgets } from "../../src/core/retry-budget.ts";

const windowMs = 10_000;
const terms = { ratio: 0.2, perSecond: 10 };

interface Step {
  readonly afterMs: number;
  readonly calls: number;
  readonly draws: number;
}

const steps = fc.array(
  fc.record<Step>({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 0, max: 30_000 })),
    calls: fc.integer({ min: 0, max: 60 }),
    draws: fc.integer({ min: 0, max: 60 }),
  }),
  { maxLength: 60 },
);

describe("a retry budget", () => {
  it("never gives more than the share of the calls and the reserve of the window allow", () => {
    fc.assert(
      fc.property(steps, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 12 }), (list, ratio, perSecond) => {
        const budget = new RetryBudget();
        const calls: number[] = [];
        const drawn: number[] = [];
        let nowMs = 0;
        for (const { afterMs, calls: begun, draws } of list) {
          nowMs += afterMs;
          for (let n = 0; n < begun; n++) {
            budget.deposit(nowMs);
            calls.push(nowMs);
          }
          for (let n = 0; n < draws; n++) if (budget.draw(nowMs, { ratio, perSecond })) drawn.push(nowMs);
          // Whole seconds count, so what is older than a window by less than one may still be in it.
          const callsIn = calls.filter((atMs) => atMs > nowMs - windowMs).length;
          const drawnIn = drawn.filter((atMs) => atMs > nowMs - windowMs + 1000).length;
          assert.ok(drawnIn <= ratio * callsIn + perSecond * 10 + 1e-6, `${drawnIn} of ${callsIn}`);
        }
      }),
    );
  });

  it("gives all that it promises", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 1e9 }), (calls, nowMs) => {
        const budget = new RetryBudget();
        for (let n = 0; n < calls; n++) budget.deposit(nowMs);
        let drawn = 0;
        while (budget.draw(nowMs, terms)) drawn++;
        assert.equal(drawn, Math.floor(calls * 0.2 + 1e-9) + 100);
        // A window later all of it is forgotten, calls and draws.
        drawn = 0;
        while (budget.draw(nowMs + windowMs + 1000, terms)) drawn++;
        assert.equal(drawn, 100);
      }),
      { numRuns: 50 },
    );
  });

  it("adds a fifth and ten a second to a service that fails every call", () => {
    const budget = new RetryBudget();
    let drawn = 0;
    for (let ms = 0; ms < 60_000; ms++) {
      budget.deposit(ms);
      for (let retry = 0; retry < 2; retry++) if (budget.draw(ms, terms)) drawn++;
    }
    const promised = 60_000 * 0.2 + 600;
    // Full at the beginning: a window's reserve more.
    assert.ok(drawn <= promised + 100 && drawn >= promised - 2100, String(drawn));
  });

  it("takes a call that was told of late for one of now", () => {
    const budget = new RetryBudget();
    budget.deposit(50_000);
    for (let n = 0; n < 9; n++) budget.deposit(1000);
    const taken = [1, 2, 3].map(() => budget.draw(50_000, { ratio: 0.2, perSecond: 0 }));
    assert.deepEqual(taken, [true, true, false]);
  });

  it("is found again by its service's name", () => {
    const budgets = new RetryBudgets();
    assert.equal(budgets.of("a"), budgets.of("a"));
    assert.notEqual(budgets.of("a"), budgets.of("b"));
  });
});
