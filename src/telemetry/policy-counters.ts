/**
 * What policies did, counted: `dragoman_policy_total{policy, outcome}`.
 *
 * The trap: outcomes are words of the policy's own, few and fixed; nothing a caller sent may become one. A policy asks for its counters once
 * and adds to them; they live as long as the process.
 */
export interface PolicyCounter {
  readonly policy: string;
  readonly outcome: string;
  count: number;
}

export class PolicyCounters {
  private readonly counters = new Map<string, PolicyCounter>();

  of(policy: string, outcome: string): PolicyCounter {
    const key = `${policy} ${outcome}`;
    let counter = this.counters.get(key);
    if (counter === undefined) this.counters.set(key, (counter = { policy, outcome, count: 0 }));
    return counter;
  }

  all(): Iterable<PolicyCounter> {
    return this.counters.values();
  }
}
