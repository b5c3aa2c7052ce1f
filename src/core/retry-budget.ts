/**
 * How many further attempts the calls to a service may cost: a share of the calls of the last ten seconds, and so many a second beside.
 *
 * Finagle's leaky bucket (RetryBudget.scala), told by its two counts: in any ten seconds at most `ratio * calls + perSecond * 10` attempts
 * are drawn. The trap: it belongs to the service and not to a method, so that one failing method leaves nothing for the others to add.
 */
import { BoundedMap } from "./bounded-map.ts";

const slices = 10;
const sliceMs = 1000;
const windowSeconds = (slices * sliceMs) / 1000;

export interface BudgetTerms {
  /** Further attempts per call: 0.2 for one in five. */
  readonly ratio: number;
  /** Further attempts a second that are always there. */
  readonly perSecond: number;
}

export class RetryBudget {
  private readonly calls = new Float64Array(slices);
  private readonly draws = new Float64Array(slices);
  private callsInWindow = 0;
  private drawsInWindow = 0;
  /** Number of the slice that is being written, counted since the clock's beginning. */
  private slice = -Infinity;

  /** A call has begun. @param nowMs monotonic; what is older than the youngest told of counts as that */
  deposit(nowMs: number): void {
    if (nowMs >= (this.slice + 1) * sliceMs) this.roll(nowMs);
    this.calls[this.slice % slices]!++;
    this.callsInWindow++;
  }

  /** Takes one further attempt out. @returns false when there is none left, and then nothing was taken */
  draw(nowMs: number, { ratio, perSecond }: BudgetTerms): boolean {
    if (nowMs >= (this.slice + 1) * sliceMs) this.roll(nowMs);
    // 5 * 0.2 must be 1 whatever the calls add up to.
    if (this.drawsInWindow + 1 > ratio * this.callsInWindow + perSecond * windowSeconds + 1e-9) return false;
    this.draws[this.slice % slices]!++;
    this.drawsInWindow++;
    return true;
  }

  private roll(nowMs: number): void {
    const slice = Math.max(0, Math.floor(nowMs / sliceMs));
    const from = Math.max(0, this.slice + 1, slice - slices + 1);
    for (let passed = from; passed <= slice; passed++) {
      const at = passed % slices;
      this.callsInWindow -= this.calls[at]!;
      this.drawsInWindow -= this.draws[at]!;
      this.calls[at] = this.draws[at] = 0;
    }
    this.slice = slice;
  }
}

/** The budgets of services, by name: a reload finds them as they were. */
export class RetryBudgets {
  private readonly budgets = new BoundedMap<string, RetryBudget>(1024);

  of(service: string): RetryBudget {
    let budget = this.budgets.get(service);
    if (budget === undefined) this.budgets.set(service, (budget = new RetryBudget()));
    return budget;
  }
}
