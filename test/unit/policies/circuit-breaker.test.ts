/** When a host is left alone, for how long, what decides that it is asked again, and how many calls may be under way. */
import assert from "node:assert/strict";
import type { Host, HostGate, Outcome } from "../../../src/core/host.ts";
import { circuitBreaker } from "../../../src/policies/circuit-breaker.ts";
import { callOf, createPolicyHost, okReply, streamMethod, unaryMethod, type PolicyHost } from "../../support/policy-host.ts";

const host: Host = { endpoint: { host: "10.0.0.1", port: 80 } };
const other: Host = { endpoint: { host: "10.0.0.2", port: 80 } };

interface Fixture {
  readonly services: PolicyHost;
  readonly gate: HostGate;
  /** An attempt from its beginning to its end. */
  attempt(outcome: Outcome, at?: Host): void;
  admits(at?: Host): boolean;
  retryAfter(): number;
}

async function aBreaker(
  settings: Readonly<Record<string, unknown>> = {},
  services = createPolicyHost(),
  method = unaryMethod,
): Promise<Fixture> {
  const layer = circuitBreaker.create(circuitBreaker.config.parse(settings), services);
  const call = callOf({ method });
  await layer(() => Promise.resolve(okReply()))(call);
  const gate = call.gate!;
  const { clock } = services;
  return {
    services,
    gate,
    attempt: (outcome, at = host) => gate.ended(at, outcome, clock.nowMs(), gate.began(at, clock.nowMs())),
    admits: (at = host) => gate.admits(at, clock.nowMs()),
    retryAfter() {
      const { headers } = gate.refusal();
      assert.equal(headers[0], "retry-after");
      return Number(headers[1]);
    },
  };
}

const times = (count: number, act: () => void): void => {
  for (let n = 0; n < count; n++) act();
};
const outcomeCount = ({ metrics }: PolicyHost, outcome: string): number => metrics.policies.of("circuit-breaker", outcome).count;

describe("circuit-breaker", () => {
  it("opens after seven failures in a row, for that host alone", async () => {
    const { services, gate, attempt, admits } = await aBreaker();
    times(6, () => attempt("failure"));
    assert.ok(admits());
    attempt("failure");
    assert.equal(admits(), false);
    assert.ok(admits(other));
    assert.equal(gate.refusal().reason, "CIRCUIT_OPEN");
    assert.equal(outcomeCount(services, "opened"), 1);
    assert.deepEqual(services.logged, [{ level: "warn", message: "circuit opened", fields: { host: "10.0.0.1:80" } }]);
  });

  it("counts only what is in a row, and neither what is limited nor what is not known", async () => {
    const { services, attempt, admits } = await aBreaker({ successRate: "0%" });
    times(3, () => {
      times(6, () => attempt("failure"));
      attempt("success");
    });
    times(6, () => attempt("failure"));
    attempt("limited");
    attempt("unknown");
    assert.ok(admits());
    assert.equal(outcomeCount(services, "opened"), 0);
  });

  it("opens when less than half of twenty attempts within ten seconds succeed, what is limited among the others", async () => {
    const { services, attempt, admits } = await aBreaker();
    times(9, () => attempt("success"));
    times(10, () => attempt("limited"));
    assert.ok(admits(), "nineteen are too few to judge by");
    attempt("success");
    assert.ok(admits(), "half is enough");
    attempt("limited");
    assert.equal(admits(), false);
    const { attempt: again, admits: open } = await aBreaker({ successRate: "0%" });
    times(100, () => again("limited"));
    assert.ok(open(), "0% is never");
    const fresh = await aBreaker({}, createPolicyHost());
    times(19, () => fresh.attempt("limited"));
    fresh.services.clock.advance(11_000);
    fresh.attempt("limited");
    assert.ok(fresh.admits(), "what is over ten seconds old does not count");
    assert.equal(outcomeCount(services, "opened"), 1);
  });

  it("is open for a second and up to half as long again, twice as long each time, never longer than longestOpen", async () => {
    const { services, attempt, admits } = await aBreaker({ failures: 1, longestOpen: "5s" });
    const { clock } = services;
    for (const [shortest, longest] of [
      [1000, 1500],
      [2000, 3000],
      [4000, 5000],
      [5000, 5000],
      [5000, 5000],
    ] as const) {
      attempt("failure");
      clock.advance(shortest - 1);
      assert.equal(admits(), false, `before ${shortest}`);
      clock.advance(longest - shortest + 1);
      assert.ok(admits(), `at ${longest}`);
    }
    attempt("success");
    attempt("failure");
    clock.advance(1500);
    assert.ok(admits(), "a success makes the next time short again");
  });

  it("lets exactly one probe go, and closes when it succeeds", async () => {
    const { services, gate, admits } = await aBreaker({ failures: 1 });
    const { clock } = services;
    gate.ended(host, "failure", clock.nowMs(), gate.began(host, clock.nowMs()));
    clock.advance(1500);
    assert.ok(admits());
    const probe = gate.began(host, clock.nowMs());
    assert.equal(admits(), false);
    gate.ended(host, "success", clock.nowMs(), probe);
    assert.ok(admits());
    assert.equal(outcomeCount(services, "closed"), 1);
  });

  it("opens again when the probe fails or is refused; one whose caller left is followed by another", async () => {
    for (const outcome of ["failure", "limited", "unknown"] as const) {
      const { services, attempt, admits } = await aBreaker({ failures: 1 });
      attempt("failure");
      services.clock.advance(1500);
      attempt(outcome);
      assert.equal(admits(), outcome === "unknown", outcome);
    }
  });

  it("takes the end of an attempt from before for nothing but that", async () => {
    const { services, gate, attempt, admits } = await aBreaker({ failures: 1 });
    const { clock } = services;
    const old = [gate.began(host, 0), gate.began(host, 0), gate.began(host, 0)];
    attempt("failure");
    gate.ended(host, "success", clock.nowMs(), old[0]!);
    assert.equal(admits(), false, "it began before the host failed");
    clock.advance(1500);
    const probe = gate.began(host, clock.nowMs());
    gate.ended(host, "success", clock.nowMs(), old[1]!);
    assert.equal(admits(), false, "it is not the probe");
    gate.ended(host, "success", clock.nowMs(), probe);
    gate.ended(host, "failure", clock.nowMs(), old[2]!);
    assert.ok(admits());
  });

  it("waits for a silent probe no longer than fifteen seconds, and for a stream's head only", async () => {
    const { services, gate, attempt, admits } = await aBreaker({ failures: 1 }, createPolicyHost(), streamMethod);
    const { clock } = services;
    attempt("failure");
    clock.advance(1500);
    const silent = gate.began(host, clock.nowMs());
    clock.advance(14_999);
    assert.equal(admits(), false);
    clock.advance(1);
    assert.ok(admits());
    const probe = gate.began(host, clock.nowMs());
    gate.answered(host, clock.nowMs(), silent);
    assert.equal(admits(), false);
    gate.answered(host, clock.nowMs(), probe);
    assert.ok(admits());
  });

  it("tells how long to wait: for the host that is open again first", async () => {
    const { services, attempt, admits, retryAfter } = await aBreaker({ failures: 1, open: "10s" });
    attempt("failure");
    services.clock.advance(8000);
    attempt("failure", other);
    assert.equal(admits(), false);
    assert.equal(admits(other), false);
    const soon = retryAfter();
    assert.ok(soon >= 2 && soon <= 7, String(soon));
    services.clock.advance(7000);
    assert.ok(admits());
    assert.equal(admits(other), false);
    const later = retryAfter();
    assert.ok(later >= 3 && later <= 8, String(later));
  });

  it("lets so many unary calls be under way, and any number of streams", async () => {
    const services = createPolicyHost();
    const { gate, admits } = await aBreaker({ active: 2 }, services);
    const [first] = [gate.began(host, 0), gate.began(other, 0)];
    assert.equal(admits(), false);
    const { reason, headers } = gate.refusal();
    assert.deepEqual([reason, headers], ["UPSTREAM_OVERLOADED", ["retry-after", "1"]]);
    gate.ended(host, "success", 0, first);
    assert.ok(admits());
    assert.equal(outcomeCount(services, "over-capacity"), 1);
    const streams = await aBreaker({ active: 2 }, services, streamMethod);
    times(5, () => streams.gate.began(host, 0));
    assert.ok(streams.admits());
  });

  it("keeps its state through a reload with the same settings, shared by unary calls and streams", async () => {
    const services = createPolicyHost();
    const before = await aBreaker({ failures: 3 }, services);
    times(3, () => before.attempt("failure"));
    assert.equal((await aBreaker({ failures: 3 }, services)).admits(), false);
    assert.equal((await aBreaker({ failures: 3 }, services, streamMethod)).admits(), false);
    assert.ok((await aBreaker({ failures: 4 }, services)).admits(), "other settings are another breaker");
    assert.equal(services.breakers.stateOf(host), "open");
    assert.equal(services.breakers.stateOf(other), "closed");
  });
});
