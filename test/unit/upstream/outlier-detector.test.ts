import assert from "node:assert/strict";
import type { UpstreamHost } from "../../../src/upstream/host.ts";
import { OutlierDetector } from "../../../src/upstream/outlier-detector.ts";
import { endpoints, hostsOf } from "../../support/fake-hosts.ts";
import { seededRandom } from "../../support/seeded-random.ts";

/** Attempts of the same moment at each host; `failures` of them fail, by host. */
function load(hosts: readonly UpstreamHost[], attempts: number, failures: readonly number[], nowMs: number): void {
  for (const [index, host] of hosts.entries())
    for (let n = 0; n < attempts; n++) {
      host.began();
      host.ended(n < failures[index]! ? "failure" : "success", nowMs, nowMs);
    }
}

const ejectedOf = (hosts: readonly UpstreamHost[]): number[] =>
  hosts.flatMap(({ ejectedUntilMs }, index) => (ejectedUntilMs === 0 ? [] : [index]));

describe("ejection of outliers", () => {
  const cases: readonly (readonly [what: string, attempts: number, failures: readonly number[], ejected: readonly number[]])[] = [
    ["nobody where all are well", 50, [0, 0, 0], []],
    ["one that fails always", 50, [0, 50, 0], [1]],
    ["one of two", 50, [50, 0], [0]],
    ["nobody where all fail", 50, [50, 50, 50], []],
    ["nobody on too few attempts", 19, [0, 19, 0], []],
    ["nobody who succeeds half of the time", 50, [0, 25, 0], []],
    ["nobody who is little worse than the others", 50, [20, 26, 20], []],
    ["half of them", 50, [50, 0, 50, 0, 50, 0], [0, 2, 4]],
    ["nobody where most fail", 50, [50, 50, 50, 0, 0], []],
  ];
  for (const [what, attempts, failures, ejected] of cases)
    it(`takes out ${what}`, () => {
      const hosts = hostsOf(endpoints(failures.length));
      load(hosts, attempts, failures, 5000);
      assert.equal(new OutlierDetector(seededRandom(1)).sweep(hosts, 5000), ejected.length > 0);
      assert.deepEqual(ejectedOf(hosts), ejected);
    });

  it("leaves at least half of them, whatever the rest does", () => {
    const detector = new OutlierDetector(seededRandom(1));
    const hosts = hostsOf(endpoints(5));
    load(hosts, 50, [50, 50, 0, 0, 0], 1000);
    detector.sweep(hosts, 1000);
    load(hosts, 50, [0, 0, 50, 0, 0], 15_000);
    assert.equal(detector.sweep(hosts, 15_000), false);
    assert.deepEqual(ejectedOf(hosts), [0, 1]);
  });

  it("lasts longer each time, up to five minutes, and is forgiven in time", () => {
    const detector = new OutlierDetector({ uint32: () => 0 });
    const hosts = hostsOf(endpoints(3));
    const [bad] = hosts as [UpstreamHost, ...UpstreamHost[]];
    const lengths: number[] = [];
    let nowMs = 1000;
    for (let round = 0; round < 12; round++) {
      load(hosts, 30, [30, 0, 0], nowMs);
      detector.sweep(hosts, nowMs);
      lengths.push(bad.ejectedUntilMs - nowMs);
      nowMs = bad.ejectedUntilMs;
      assert.equal(detector.sweep(hosts, nowMs), true);
      assert.equal(bad.ejectedUntilMs, 0);
      nowMs += 1000;
    }
    assert.deepEqual(lengths.slice(0, 3), [30_000, 60_000, 90_000]);
    assert.equal(lengths.at(-1), 300_000);
    const { ejections } = bad;
    for (let minute = 0; minute < 10; minute++) detector.sweep(hosts, (nowMs += 60_000));
    assert.equal(bad.ejections, ejections - 10);
  });

  it("counts what happened within ten seconds", () => {
    const hosts = hostsOf(endpoints(2));
    load(hosts, 30, [30, 0], 1000);
    assert.deepEqual(hosts[0]!.outcomes.counts(10_500), { attempts: 30, failures: 30 });
    assert.deepEqual(hosts[0]!.outcomes.counts(11_000), { attempts: 0, failures: 0 });
  });
});
