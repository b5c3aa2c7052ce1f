/** What every balancer must keep to, whatever it prefers. */
import assert from "node:assert/strict";
import { balancers } from "../../src/upstream/balancers/index.ts";
import type { Balancer } from "../../src/upstream/balancers/balancer.ts";
import { UpstreamHost } from "../../src/upstream/host.ts";
import { aCall, endpoints, FakeConnection, hostsOf } from "../support/fake-hosts.ts";
import { seededRandom } from "../support/seeded-random.ts";

const nowMs = 1_000_000;

/** How often each host is picked; each pick is over before the next. */
function shares(balancer: Balancer, hosts: readonly UpstreamHost[], picks: number, atMs = nowMs): number[] {
  const counts = new Map(hosts.map((host) => [host, 0]));
  for (let pick = 0; pick < picks; pick++) {
    const host = balancer.pick(aCall(["x-user", `user-${pick}`]), atMs)!;
    counts.set(host, counts.get(host)! + 1);
  }
  return [...counts.values()].map((count) => count / picks);
}

for (const spec of balancers)
  describe(`balancer ${spec.kind}`, () => {
    const create = (): Balancer => spec.create({ hashBy: "header:x-user" }, seededRandom(7));

    it("has nobody to pick from an empty list, before the first update and after the last host has left", () => {
      const balancer = create();
      assert.equal(balancer.pick(aCall(), nowMs), undefined);
      balancer.update(hostsOf(endpoints(2)));
      balancer.update([]);
      assert.equal(balancer.pick(aCall(), nowMs), undefined);
    });

    it("picks only hosts of the newest list, and all of them", () => {
      const balancer = create();
      balancer.update(hostsOf(endpoints(9)));
      const hosts = hostsOf(endpoints(5));
      balancer.update(hosts);
      const seen = new Set(Array.from({ length: 400 }, (_, n) => balancer.pick(aCall(["x-user", `user-${n}`]), nowMs)));
      assert.deepEqual(seen, new Set(hosts));
    });

    it("gives hosts that are alike the same share", () => {
      const balancer = create();
      const hosts = hostsOf(endpoints(4));
      balancer.update(hosts);
      for (const share of shares(balancer, hosts, 8000)) assert.ok(share > 0.19 && share < 0.31, String(share));
    });

    it("gives a host of weight 3 three times the share of one of weight 1", () => {
      const balancer = create();
      const hosts = hostsOf(endpoints(4, (index) => ({ weight: index === 0 ? 3 : 1 })));
      balancer.update(hosts);
      const [heavy, ...others] = shares(balancer, hosts, 12_000);
      assert.ok(heavy! > 0.4 && heavy! < 0.6, String(heavy));
      for (const share of others) assert.ok(share > 0.1 && share < 0.24, String(share));
    });

    it("picks no host that will not do, and nobody where none will", () => {
      const balancer = create();
      const hosts = hostsOf(endpoints(6));
      balancer.update(hosts);
      const allowed = new Set([hosts[1]!, hosts[4]!]);
      const picked = new Set(
        Array.from({ length: 200 }, (_, n) => balancer.pick(aCall(["x-user", `user-${n}`]), nowMs, (host) => allowed.has(host))!),
      );
      for (const host of picked) assert.ok(allowed.has(host));
      assert.ok(picked.size > 0);
      assert.equal(
        balancer.pick(aCall(), nowMs, () => false),
        undefined,
      );
    });

    if (spec.kind !== "ring-hash")
      it("lets a new host begin with a part of its share", () => {
        const balancer = create();
        const [first, second, third] = endpoints(3);
        const cold = new UpstreamHost(third!, { connection: new FakeConnection(third!), joinedAtMs: nowMs, slowStartMs: 30_000 });
        const hosts = [...hostsOf([first!, second!]), cold];
        balancer.update(hosts);
        const early = shares(balancer, hosts, 6000)[2]!;
        const late = shares(balancer, hosts, 6000, nowMs + 30_000)[2]!;
        assert.ok(early > 0 && early < 0.12, `at first ${early}`);
        assert.ok(late > 0.25 && late < 0.42, `then ${late}`);
      });
  });
