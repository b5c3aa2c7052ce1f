import assert from "node:assert/strict";
import { CallError } from "../../../src/core/call-error.ts";
import type { Endpoint } from "../../../src/core/endpoint.ts";
import type { HostGate } from "../../../src/core/host.ts";
import { roundRobin } from "../../../src/upstream/balancers/round-robin.ts";
import type { UpstreamHost } from "../../../src/upstream/host.ts";
import { HostSet } from "../../../src/upstream/host-set.ts";
import { aCall, endpoints, FakeConnection } from "../../support/fake-hosts.ts";
import { seededRandom } from "../../support/seeded-random.ts";

function aSet(list: readonly Endpoint[], zone?: string): { set: HostSet; left: UpstreamHost[] } {
  const left: UpstreamHost[] = [];
  const random = seededRandom(3);
  const set = new HostSet({
    balancer: roundRobin.create({ hashBy: "address" }, random),
    random,
    connect: (endpoint) => new FakeConnection(endpoint),
    leave: (host) => left.push(host),
    slowStartMs: 30_000,
    zone,
  });
  set.update(list, 0);
  return { set, left };
}

/** The hosts that a hundred calls go to. */
function picked(set: HostSet, change: (call: ReturnType<typeof aCall>) => void = () => {}): Set<UpstreamHost | undefined> {
  return new Set(
    Array.from({ length: 100 }, () => {
      const call = aCall();
      change(call);
      return set.pick(call, 1);
    }),
  );
}

function gateOf(admits: (host: unknown) => boolean): HostGate {
  return { admits, began: () => 0, answered: () => {}, ended: () => {}, refusal: () => new CallError("NO_ENDPOINTS") };
}

describe("the hosts of a service", () => {
  it("stay who they are through an update, take a new weight, and leave when they are no longer named", () => {
    const { set, left } = aSet(endpoints(3));
    const [first, second, third] = set.hosts;
    set.update([{ ...first!.endpoint, weight: 5 }, third!.endpoint, { host: "10.9.9.9", port: 1 }], 10);
    assert.equal(set.hosts[0], first);
    assert.equal(first!.weight, 5);
    assert.deepEqual(left, [second]);
    assert.deepEqual(
      set.hosts.map(({ address }) => address),
      ["10.0.0.1:80", "10.0.0.3:80", "10.9.9.9:1"],
    );
  });

  it("are others when their identity changes", () => {
    const { set, left } = aSet([{ host: "10.0.0.1", port: 80, identity: "spiffe://mesh/service/a" }]);
    const [before] = set.hosts;
    set.update([{ host: "10.0.0.1", port: 80, identity: "spiffe://mesh/service/b" }], 10);
    assert.deepEqual(left, [before]);
    assert.notEqual(set.hosts[0], before);
  });

  it("are all picked while they are well; one that is not is left out", () => {
    const { set } = aSet(endpoints(3));
    assert.equal(picked(set).size, 3);
    set.hosts[1]!.healthy = false;
    set.refresh();
    assert.deepEqual(picked(set), new Set([set.hosts[0], set.hosts[2]]));
    assert.equal(set.inPanic, false);
  });

  it("are all asked again when less than half of them are thought well", () => {
    const { set } = aSet(endpoints(4));
    for (const host of set.hosts.slice(1)) host.healthy = false;
    set.refresh();
    assert.equal(set.inPanic, true);
    assert.equal(picked(set).size, 4);
  });

  it("that are about to leave are not picked, unless there are no others", () => {
    const { set } = aSet(endpoints(2, (index) => ({ draining: index === 0 })));
    assert.deepEqual(picked(set), new Set([set.hosts[1]]));
    set.update(
      endpoints(2, () => ({ draining: true })),
      5,
    );
    assert.equal(picked(set).size, 2);
  });

  it("of one's own zone come first, while they are enough", () => {
    const zoneOf = (index: number): Partial<Endpoint> => ({ zone: ["a", "b", "c"][index % 3]! });
    const { set } = aSet(endpoints(6, zoneOf), "b");
    assert.deepEqual(picked(set), new Set([set.hosts[1], set.hosts[4]]));
    const few = aSet(
      endpoints(9, (index) => ({ zone: index === 0 ? "b" : "a" })),
      "b",
    ).set;
    assert.equal(picked(few).size, 9, "one of nine is less than half of an even share");
    assert.equal(picked(aSet(endpoints(3, zoneOf), "elsewhere").set).size, 3);
  });

  it("that were tried are not tried again, while there are others that the gate admits", () => {
    const { set } = aSet(endpoints(3));
    const [first, second, third] = set.hosts;
    const tried = (...hosts: UpstreamHost[]) => picked(set, (call) => (call.tried = hosts));
    assert.deepEqual(tried(first!), new Set([second, third]));
    assert.equal(tried(first!, second!, third!).size, 3, "all tried: any will do");
    const onlyFirst = picked(set, (call) => {
      call.tried = [first!];
      call.gate = gateOf((host) => host === first);
    });
    assert.deepEqual(onlyFirst, new Set([first]));
  });

  it("that the gate does not admit are not picked, not even in a panic", () => {
    const { set } = aSet(endpoints(3));
    for (const host of set.hosts) host.healthy = false;
    set.refresh();
    assert.deepEqual(
      picked(set, (call) => (call.gate = gateOf(() => false))),
      new Set([undefined]),
    );
  });

  it("have one that is the only one only where there is but one", () => {
    const { set } = aSet(endpoints(1));
    assert.equal(set.only, set.hosts[0]);
    set.update(endpoints(2), 1);
    assert.equal(set.only, undefined);
    set.hosts[1]!.healthy = false;
    set.refresh();
    assert.equal(set.only, undefined, "the other one may come back");
  });

  it("that fail where the others do not are ejected, and come back", () => {
    const { set } = aSet(endpoints(3));
    const bad = set.hosts[2]!;
    const attempts = (nowMs: number, badToo: boolean): void => {
      for (const host of set.hosts)
        for (let n = 0; n < 30; n++) {
          host.began();
          host.ended(host === bad && badToo ? "failure" : "success", nowMs, nowMs);
        }
    };
    attempts(5000, true);
    assert.ok(set.pick(aCall(), 6000) !== undefined);
    assert.ok(bad.ejectedUntilMs > 6000);
    assert.equal(picked(set).has(bad), false);
    set.pick(aCall(), 40_000);
    assert.equal(bad.ejectedUntilMs, 0);
    attempts(40_500, false);
    assert.equal(picked(set).has(bad), true);
  });
});
