import assert from "node:assert/strict";
import { systemClock } from "../../../src/core/clock.ts";
import type { Endpoint } from "../../../src/core/endpoint.ts";
import { createDnsDiscovery } from "../../../src/discovery/dns.ts";
import { NameServer } from "../../support/name-server.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { until } from "../../support/until.ts";

describe("discovery by DNS", () => {
  let server: NameServer;
  let stop: AbortController;
  let found: (readonly Endpoint[])[];
  let problems: string[];
  let done: Promise<void>;

  beforeEach(async () => {
    server = await NameServer.start();
    stop = new AbortController();
    found = [];
    problems = [];
  });

  afterEach(async () => {
    stop.abort();
    await done;
    server.close();
  });

  function watch(name: string): void {
    const discovery = createDnsDiscovery({
      name,
      port: 8080,
      queryTimeoutMs: 100,
      servers: [server.address],
      clock: systemClock,
      random: seededRandom(1),
      onProblem: (message) => problems.push(message),
    });
    done = (async () => {
      for await (const endpoints of discovery.watch(stop.signal)) found.push(endpoints);
    })();
  }

  const a = (address: string, ttl = 1) => ({ type: "A", address, ttl }) as const;

  it("finds the addresses of a name, in one order, and sees them change when they expire", async () => {
    server.records.set("payments.test", [a("10.0.0.2"), a("10.0.0.1")]);
    watch("payments.test");
    await until(() => found.length === 1, "answer 1");
    assert.deepEqual(found[0], [
      { host: "10.0.0.1", port: 8080 },
      { host: "10.0.0.2", port: 8080 },
    ]);
    server.records.set("payments.test", [a("10.0.0.3"), a("10.0.0.1")]);
    await until(() => found.length === 2, "answer 2");
    assert.deepEqual(
      found[1]!.map(({ host }) => host),
      ["10.0.0.1", "10.0.0.3"],
    );
  });

  it("says nothing while nothing changes, whatever order the answers come in", async () => {
    server.records.set("payments.test", [a("10.0.0.1"), a("10.0.0.2")]);
    watch("payments.test");
    await until(() => found.length === 1, "answer 1");
    server.records.set("payments.test", [a("10.0.0.2"), a("10.0.0.1")]);
    const asked = server.asked.length;
    await until(() => server.asked.length > asked + 2, "more questions");
    assert.equal(found.length, 1);
  });

  it("takes host, port and weight of the best SRV records", async () => {
    const srv = (target: string, port: number, priority: number, weight: number) =>
      ({ type: "SRV", target, port, priority, weight, ttl: 60 }) as const;
    server.records.set("_grpc._tcp.payments.test", [srv("a.test", 5001, 1, 7), srv("b.test", 5002, 1, 0), srv("c.test", 5003, 2, 9)]);
    for (const [name, address] of [
      ["a.test", "10.0.0.1"],
      ["b.test", "10.0.0.2"],
      ["c.test", "10.0.0.3"],
    ] as const)
      server.records.set(name, [a(address, 60)]);
    watch("_grpc._tcp.payments.test");
    await until(() => found.length === 1, "answer 1");
    assert.deepEqual(found[0], [
      { host: "10.0.0.1", port: 5001, weight: 7 },
      { host: "10.0.0.2", port: 5002, weight: 1 },
    ]);
  });

  it("says once that a name does not exist, goes on asking, and finds it when it does", async () => {
    watch("payments.test");
    await until(() => server.asked.length >= 4, "more questions");
    assert.deepEqual(problems, ["payments.test cannot be resolved: there is no such name"]);
    assert.deepEqual(found, []);
    server.records.set("payments.test", [a("10.0.0.1")]);
    await until(() => found.length === 1, "answer 1");
  });

  it("keeps what it found while the name servers are silent", async () => {
    server.records.set("payments.test", [a("10.0.0.1")]);
    watch("payments.test");
    await until(() => found.length === 1, "answer 1");
    server.silent = true;
    await until(() => problems.length === 1, "the problem");
    assert.match(problems[0]!, /^payments\.test cannot be resolved: the name servers do not answer/);
    server.silent = false;
    server.records.set("payments.test", [a("10.0.0.9")]);
    await until(() => found.length === 2, "answer 2");
    assert.deepEqual(found[1], [{ host: "10.0.0.9", port: 8080 }]);
  });
});
