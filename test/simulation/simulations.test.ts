/** What breaker, ejection and shedding are for, as properties of simulations: on several seeds, in time of their own. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { failure, simulateFailure, type FailureResult, type FailureScenario } from "./host-failures.ts";
import { capacity, overload, simulateOverload } from "./overload.ts";
import { plots } from "./plots.ts";
import { percentile, type Second } from "./simulated-calls.ts";

const seeds = [1, 2, 3, 4, 5];
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const failed = (seconds: readonly Second[]): number => sum(seconds.map(({ calls, succeeded }) => calls - succeeded));
const shareFailed = (seconds: readonly Second[]): number => failed(seconds) / sum(seconds.map(({ calls }) => calls));

describe("simulations", function () {
  this.timeout(60_000);

  describe("of hosts that fail", () => {
    const { fromS, toS, endS } = failure;
    const scenarios: readonly (Omit<FailureScenario, "breaks"> & { readonly what: string; readonly settledS: number })[] = [
      { what: "a step failure of all", failing: 10, how: "refuses", settledS: 2 },
      { what: "a slow failure of all", failing: 10, how: "silent", settledS: 5 },
      { what: "a failure of one in ten", failing: 1, how: "refuses", settledS: 2 },
      { what: "a slow failure of one in ten", failing: 1, how: "silent", settledS: 5 },
    ];
    for (const { what, settledS, ...of } of scenarios)
      describe(what, () => {
        const run = (breaks: boolean): Promise<readonly FailureResult[]> =>
          Promise.all(seeds.map((seed) => simulateFailure(seed, { ...of, breaks })));
        let armed: readonly FailureResult[];
        before(async () => {
          armed = await run(true);
        });

        it("is met with less than one attempt a second at a host that fails", () => {
          for (const { wasted } of armed) {
            const perHost = sum(wasted.slice(fromS + settledS, toS)) / of.failing / (toS - fromS - settledS);
            assert.ok(perHost < 1, `${perHost} a second`);
          }
        });

        it("costs nobody a call before and after", () => {
          for (const { seconds } of armed) {
            assert.equal(failed(seconds.slice(0, fromS)), 0);
            assert.equal(failed(seconds.slice(toS + 20, endS)), 0, "twenty seconds after it is over");
          }
        });

        if (of.failing === 1)
          it("costs less than one call in two hundred meanwhile", () => {
            for (const { seconds } of armed) assert.ok(shareFailed(seconds.slice(fromS, toS)) < 0.005);
          });
        else
          it("spares the hosts most of the attempts that would come without", async () => {
            const bare = await run(false);
            const without = sum(bare.map(({ wasted }) => sum(wasted)));
            const spared = 1 - sum(armed.map(({ wasted }) => sum(wasted))) / without;
            assert.ok(spared > (of.how === "silent" ? 0.8 : 0.9), String(spared));
          });
      });
  });

  describe("of three times more calls than a service can do", () => {
    const { fromS, toS, endS } = overload;
    const runs = new Map<number, readonly Second[]>();
    before(async () => {
      for (const seed of seeds) runs.set(seed, await simulateOverload(seed, true));
    });

    for (const seed of seeds) {
      it(`keeps nine tenths of the capacity busy with calls that are answered (seed ${seed})`, () => {
        const answered = sum(
          runs
            .get(seed)!
            .slice(fromS, toS)
            .map(({ succeeded }) => succeeded),
        );
        assert.ok(answered >= 0.9 * capacity * (toS - fromS), String(answered));
      });

      it(`answers what it takes within 300 ms, 99 of 100 (seed ${seed})`, () => {
        for (const { latencies } of runs.get(seed)!.slice(fromS, toS)) assert.ok(percentile(latencies, 0.99) < 300);
      });

      it(`refuses nobody before and after (seed ${seed})`, () => {
        const seconds = runs.get(seed)!;
        assert.equal(failed(seconds.slice(0, fromS)), 0);
        assert.equal(failed(seconds.slice(toS + 1, endS)), 0);
      });
    }

    it("answers hardly anybody without", async () => {
      const bare = await simulateOverload(seeds[0]!, false);
      assert.ok(sum(bare.slice(fromS + 1, toS).map(({ succeeded }) => succeeded)) < 0.1 * capacity * (toS - fromS));
    });
  });

  it("make the plots of the docs (else: node deploy/simulations.ts)", async () => {
    for (const [file, svg] of await plots()) assert.equal(readFileSync(file, "utf8"), svg, basename(file));
  });
});
