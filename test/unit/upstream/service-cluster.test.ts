import assert from "node:assert/strict";
import { CallError } from "../../../src/core/call-error.ts";
import type { Host, HostGate, Outcome } from "../../../src/core/host.ts";
import type { Reply } from "../../../src/core/reply.ts";
import { okStatus, statusOf, type Status } from "../../../src/core/status.ts";
import { roundRobin } from "../../../src/upstream/balancers/round-robin.ts";
import { ServiceCluster } from "../../../src/upstream/service-cluster.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { aCall, emptyReply, endpoints, FakeConnection } from "../../support/fake-hosts.ts";
import { seededRandom } from "../../support/seeded-random.ts";

interface Fixture {
  readonly cluster: ServiceCluster;
  readonly clock: FakeClock;
  readonly connections: FakeConnection[];
}

function aCluster(count?: number): Fixture {
  const clock = new FakeClock();
  const random = seededRandom(5);
  const connections: FakeConnection[] = [];
  const cluster = new ServiceCluster({
    name: "payments",
    balancer: roundRobin.create({ hashBy: "address" }, random),
    clock,
    random,
    connect(endpoint) {
      const connection = new FakeConnection(endpoint);
      connections.push(connection);
      return connection;
    },
    drainMs: 700,
  });
  if (count !== undefined) cluster.update(endpoints(count));
  return { cluster, clock, connections };
}

/** A gate that admits everybody and writes down what it hears. */
class Recorder implements HostGate {
  readonly heard: string[] = [];
  open = true;
  admits(): boolean {
    return this.open;
  }
  began(host: Host): number {
    this.heard.push(`began ${host.endpoint.host}`);
    return this.heard.length;
  }
  answered(): void {
    this.heard.push("answered");
  }
  ended(_host: Host, outcome: Outcome): void {
    this.heard.push(outcome);
  }
  refusal(): CallError {
    return new CallError("UPSTREAM_OVERLOADED", "none is open");
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a service of several endpoints", () => {
  it("sends calls to all of them and says where each went", async () => {
    const { cluster } = aCluster(3);
    const went = new Set<string>();
    for (let n = 0; n < 9; n++) {
      const call = aCall();
      await cluster.handler(call);
      went.add(call.host!.endpoint.host);
    }
    assert.equal(went.size, 3);
  });

  it("has calls wait until discovery has spoken, for a moment", async () => {
    const { cluster, clock } = aCluster();
    const waited = cluster.handler(aCall());
    cluster.update(endpoints(1));
    await waited;
    const { cluster: silent, clock: itsClock } = aCluster();
    const late = silent.handler(aCall());
    itsClock.advance(3000);
    await assert.rejects(late, { reason: "NO_ENDPOINTS", message: "no endpoint of payments is known" });
    assert.throws(() => silent.handler(aCall()), { reason: "NO_ENDPOINTS" });
    assert.equal(clock.timers, 0);
  });

  it("lets a call that waits be cancelled, alone", async () => {
    const { cluster } = aCluster();
    const [leaves, stays] = [aCall(), aCall()];
    const [left, served] = [cluster.handler(leaves), cluster.handler(stays)];
    leaves.cancel(new CallError("CALLER_CANCELLED"));
    await assert.rejects(left, { reason: "CALLER_CANCELLED" });
    cluster.update(endpoints(2));
    assert.equal((await served).ended?.code, 0);
  });

  it("counts attempts at a host until they end: unary, streams, failures and throws", async () => {
    const { cluster, connections } = aCluster(2);
    const ends: ((status: Status) => void)[] = [];
    for (const connection of connections)
      connection.handler = () => {
        const end = new Promise<Status>((resolve) => ends.push(resolve));
        return Promise.resolve({ ...emptyReply(), ended: undefined, end } as Reply);
      };
    await cluster.handler(aCall());
    await settled();
    const active = (): number => cluster.hosts.hosts.reduce((sum, host) => sum + host.active, 0);
    assert.equal(active(), 1);
    ends[0]!(okStatus());
    await settled();
    assert.equal(active(), 0);
    for (const connection of connections) connection.handler = () => Promise.reject(new CallError("UPSTREAM_RESET"));
    await assert.rejects(cluster.handler(aCall()), { reason: "UPSTREAM_RESET" });
    for (const connection of connections)
      connection.handler = () => {
        throw new CallError("UPSTREAM_RESET");
      };
    assert.throws(() => cluster.handler(aCall()), { reason: "UPSTREAM_RESET" });
    await settled();
    assert.equal(active(), 0);
  });

  it("tells an attempt's gate where it went and what came of it", async () => {
    const { cluster, connections } = aCluster(1);
    const gate = new Recorder();
    const go = async (): Promise<void> => {
      const call = aCall();
      call.gate = gate;
      await Promise.resolve(cluster.handler(call)).catch(() => {});
      await settled();
    };
    await go();
    const failWith = (error: CallError) => () => Promise.reject(error);
    for (const error of [
      new CallError("UPSTREAM_UNREACHABLE"),
      new CallError("DEADLINE_EXCEEDED"),
      new CallError("UPSTREAM_STATUS", "no", { code: 5, source: "upstream" }),
      new CallError("UPSTREAM_STATUS", "no", { code: 8, source: "upstream" }),
      new CallError("CALLER_CANCELLED", "gone", { source: "caller" }),
    ]) {
      connections[0]!.handler = failWith(error);
      await go();
    }
    connections[0]!.handler = () =>
      Promise.resolve({ ...emptyReply(), ended: undefined, end: Promise.resolve(statusOf(new CallError("UPSTREAM_PROTOCOL"))) } as Reply);
    await go();
    assert.deepEqual(
      gate.heard.filter((word) => !word.startsWith("began")),
      ["success", "failure", "limited", "success", "limited", "unknown", "answered", "failure"],
    );
    assert.equal(gate.heard.filter((word) => word === "began 10.0.0.1").length, 7);
  });

  it("fails as the gate says when it admits no host, and for want of endpoints when there are none", () => {
    const { cluster } = aCluster(2);
    const call = aCall();
    const gate = new Recorder();
    gate.open = false;
    call.gate = gate;
    assert.throws(() => cluster.handler(call), { reason: "UPSTREAM_OVERLOADED" });
    cluster.update([]);
    assert.throws(() => cluster.handler(call), { reason: "NO_ENDPOINTS" });
  });

  it("drains a host that has left, and all of them at the end", async () => {
    const { cluster, connections } = aCluster(2);
    cluster.update(endpoints(1));
    await settled();
    assert.equal(connections[1]!.drainedWithinMs, 700);
    assert.equal(connections[1]!.closed, true);
    assert.equal(connections[0]!.closed, false);
    await cluster.drain(50);
    assert.equal(connections[0]!.drainedWithinMs, 50);
    await cluster.close();
    assert.equal(connections[0]!.closed, true);
    assert.equal(cluster.state, "closed");
  });

  it("passes plain HTTP on the same way, where an endpoint speaks it", async () => {
    const { cluster, connections } = aCluster(2);
    assert.throws(() => cluster.plainHttp(aCall()), { reason: "UNKNOWN_METHOD" });
    for (const connection of connections) connection.plainHttp = () => Promise.resolve(emptyReply());
    assert.equal((await cluster.plainHttp(aCall())).ended?.code, 0);
  });
});
