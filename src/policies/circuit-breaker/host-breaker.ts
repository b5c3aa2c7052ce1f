/**
 * The circuit breaker of one host: closed, open for a while that doubles, then one probe that decides (Linkerd's "failure accrual").
 *
 * The trap: attempts that began before it opened end afterwards. Each carries the ticket of its time, and only those of this time count; so
 * the outcome of the probe is the probe's.
 */
import type { Outcome } from "../../core/host.ts";
import { OutcomeWindow } from "../../core/outcome-window.ts";
import type { Random } from "../../core/random.ts";

export interface BreakerSettings {
  /** So many failures one after the other open it. */
  readonly failures: number;
  /** A lower share of successes opens it, over at least `calls` attempts of the last ten seconds. */
  readonly successRateRatio: number;
  readonly calls: number;
  readonly openMs: number;
  readonly longestOpenMs: number;
}

export type BreakerState = "closed" | "open" | "probing";

const jitter = 0.5;
/** A probe that is silent for so long is not waited for: the next call is another. */
const probePatienceMs = 15_000;

export class HostBreaker {
  private readonly settings: BreakerSettings;
  private readonly random: Random;
  private readonly outcomes = new OutcomeWindow();
  private current: BreakerState = "closed";
  private inRow = 0;
  /** Openings since it was last closed. */
  private openings = 0;
  private untilMs = 0;
  private ticket = 0;

  constructor(settings: BreakerSettings, random: Random) {
    this.settings = settings;
    this.random = random;
  }

  get state(): BreakerState {
    return this.current;
  }

  /** Monotonic: until when nobody is admitted, unless the probe ends sooner. */
  get closedToAllUntilMs(): number {
    return this.untilMs;
  }

  admits(nowMs: number): boolean {
    return this.current === "closed" || nowMs >= this.untilMs;
  }

  /** @returns the attempt's ticket */
  began(nowMs: number): number {
    if (this.current === "closed") return this.ticket;
    this.current = "probing";
    this.untilMs = nowMs + probePatienceMs;
    return ++this.ticket;
  }

  /** @returns what it became, where that is another state than before */
  answered(ticket: number): BreakerState | undefined {
    return ticket === this.ticket && this.current === "probing" ? this.close() : undefined;
  }

  /** @returns what it became, where that is another state than before */
  ended(outcome: Outcome, nowMs: number, ticket: number): BreakerState | undefined {
    if (ticket !== this.ticket) return undefined;
    if (this.current === "probing") return this.probed(outcome, nowMs);
    if (outcome === "unknown") return undefined;
    this.outcomes.add(outcome, nowMs);
    if (outcome === "success") {
      this.inRow = 0;
      return undefined;
    }
    if (outcome === "failure") this.inRow++;
    return this.inRow >= this.settings.failures || this.succeedsTooRarely(nowMs) ? this.open(nowMs) : undefined;
  }

  private probed(outcome: Outcome, nowMs: number): BreakerState | undefined {
    if (outcome === "success") return this.close();
    if (outcome !== "unknown") return this.open(nowMs);
    // The caller left, and nothing is known: the next call is the probe.
    this.untilMs = nowMs;
    return undefined;
  }

  private succeedsTooRarely(nowMs: number): boolean {
    const { attempts, failures } = this.outcomes.counts(nowMs);
    return attempts >= this.settings.calls && attempts - failures < attempts * this.settings.successRateRatio;
  }

  private open(nowMs: number): BreakerState {
    const { openMs, longestOpenMs } = this.settings;
    const baseMs = Math.min(openMs * 2 ** this.openings, longestOpenMs);
    // Sidecars that saw the same failure must not all probe in the same moment.
    const drawn = baseMs * (1 + (this.random.uint32() / 2 ** 32) * jitter);
    this.openings++;
    this.untilMs = nowMs + Math.min(drawn, longestOpenMs);
    return this.become("open");
  }

  private close(): BreakerState {
    this.openings = 0;
    return this.become("closed");
  }

  private become(state: BreakerState): BreakerState {
    this.current = state;
    this.inRow = 0;
    this.outcomes.clear();
    if (state === "open") this.ticket++;
    return state;
  }
}
