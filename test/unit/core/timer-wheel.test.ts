import assert from "node:assert/strict";
import fc from "fast-check";
import { TimerWheel, WheelEntry } from "../../../src/core/timer-wheel.ts";
import { FakeClock } from "../../support/fake-clock.ts";

class Recorded extends WheelEntry {
  expiredAtMs: number | undefined;
  private readonly clock: FakeClock;
  private readonly then: () => void;

  constructor(clock: FakeClock, atMs: number, then: () => void = () => {}) {
    super(atMs);
    this.clock = clock;
    this.then = then;
  }

  override expire(): void {
    assert.equal(this.expiredAtMs, undefined, "expired twice");
    this.expiredAtMs = this.clock.nowMs();
    this.then();
  }
}

describe("timer wheel", () => {
  it("expires entries at their moment or one tick later, never before, and those that were removed never", () => {
    const entry = fc.record({ inMs: fc.integer({ min: -50, max: 40_000 }), removeAfterMs: fc.option(fc.integer({ min: 0, max: 40_000 })) });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 30 }), (plan, steps) => {
        const clock = new FakeClock(12_345);
        const wheel = new TimerWheel(clock, { tickMs: 10, slots: 64 });
        const startMs = clock.nowMs();
        const entries = plan.map(({ inMs, removeAfterMs }) => ({ entry: new Recorded(clock, startMs + inMs), removeAfterMs }));
        for (const { entry: one } of entries) wheel.schedule(one);
        for (const step of [...steps, 60_000]) {
          for (const { entry: one, removeAfterMs } of entries)
            if (removeAfterMs !== null && startMs + removeAfterMs <= clock.nowMs()) wheel.remove(one);
          clock.advance(step);
        }
        for (const { entry: one, removeAfterMs } of entries) {
          if (one.expiredAtMs === undefined) assert.ok(removeAfterMs !== null, "an entry was lost");
          else {
            assert.ok(one.expiredAtMs >= one.atMs, "expired early");
            assert.ok(one.expiredAtMs <= Math.max(one.atMs, startMs) + 20, `expired ${one.expiredAtMs - one.atMs} ms late`);
          }
        }
        assert.equal(wheel.size, 0);
        assert.equal(clock.timers, 0, "an empty wheel does not tick");
      }),
      { numRuns: 200 },
    );
  });

  it("lets an entry that expires remove its neighbours and schedule others", () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    const second = new Recorded(clock, 1100);
    const later = new Recorded(clock, 1200);
    const first = new Recorded(clock, 1100, () => {
      wheel.remove(second);
      wheel.schedule(later);
    });
    wheel.schedule(first);
    wheel.schedule(second);
    clock.advance(500);
    assert.deepEqual([first.expiredAtMs, second.expiredAtMs, later.expiredAtMs], [1100, undefined, 1200]);
  });

  it("refuses to schedule an entry twice, and takes one again that was removed", () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    const entry = new Recorded(clock, 1500);
    wheel.schedule(entry);
    assert.throws(() => wheel.schedule(entry), TypeError);
    wheel.remove(entry);
    wheel.remove(entry);
    wheel.schedule(entry);
    assert.equal(wheel.size, 1);
    clock.advance(1000);
    assert.equal(entry.expiredAtMs, 1500);
  });

  it("catches up after a pause that was longer than its whole round", () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock, { tickMs: 10, slots: 16 });
    const entries = Array.from({ length: 50 }, (_, at) => new Recorded(clock, 1000 + at * 7));
    for (const entry of entries) wheel.schedule(entry);
    // One jump: the timer fires once, late, as after a blocked event loop.
    clock.advance(10_000);
    assert.ok(entries.every((entry) => entry.expiredAtMs !== undefined));
  });
});
