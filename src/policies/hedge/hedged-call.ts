/**
 * One call as several attempts at a time (grpc/proposal A6, "Hedging policy"): each can be given up by itself, and the first answer is the call's.
 *
 * The trap: a failure that does not end the call brings the next attempt forward; when there is to be no next one, the call still waits for
 * those under way, and fails only with the last of them.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Timer } from "../../core/clock.ts";
import type { Code } from "../../core/code.ts";
import type { Handler } from "../../core/handler.ts";
import type { Host } from "../../core/host.ts";
import { callersAttempts, tellEarlierAttempts } from "../../core/previous-attempts.ts";
import { pushbackOf } from "../../core/pushback.ts";
import type { Reply } from "../../core/reply.ts";
import { retriable } from "../../core/retriable.ts";
import type { BudgetTerms } from "../../core/retry-budget.ts";
import { RecordedCallSlot } from "../../telemetry/recorded-call.ts";
import { ownAttribute } from "../../telemetry/semantic-conventions.ts";
import type { Services } from "../policy.ts";

export interface HedgeSettings {
  /** Infinity: only a failure brings the next attempt. */
  readonly delayMs: number;
  readonly attempts: number;
  /** That do not end the call. */
  readonly codes: ReadonlySet<Code>;
  readonly budget: BudgetTerms;
}

export class HedgedCall {
  private readonly call: Call;
  private readonly next: Handler;
  private readonly settings: HedgeSettings;
  private readonly services: Services;
  private readonly callersAttempts: number;
  private readonly outcome = Promise.withResolvers<Reply>();
  private readonly underWay = new Set<Call>();
  private sent = 0;
  private timer: Timer | undefined;
  private isOver = false;
  /** No further attempt will be sent. */
  private isLast = false;

  constructor(call: Call, next: Handler, settings: HedgeSettings, services: Services) {
    this.call = call;
    this.next = next;
    this.settings = settings;
    this.services = services;
    this.callersAttempts = callersAttempts(call);
  }

  send(): Promise<Reply> {
    this.call.onCancel((error) => this.fail(error));
    this.attempt();
    return this.outcome.promise;
  }

  private attempt(): void {
    const { call } = this;
    const number = ++this.sent;
    this.isLast ||= number >= this.settings.attempts;
    const branch = call.branch();
    branch.attempt = call.attempt = number;
    branch.tried = this.tried();
    tellEarlierAttempts(branch, this.callersAttempts + number - 1);
    this.underWay.add(branch);
    this.nextAfter(this.settings.delayMs);
    let reply: Promise<Reply>;
    try {
      reply = this.next(branch);
    } catch (thrown) {
      this.failed(branch, thrown);
      return;
    }
    reply.then(
      (answer) => this.answered(branch, answer),
      (thrown: unknown) => this.failed(branch, thrown),
    );
  }

  /** Where the call has been, and is: the next attempt goes elsewhere. */
  private tried(): readonly Host[] | undefined {
    const { tried, host } = this.call;
    const hosts = host === undefined ? [] : [host];
    for (const branch of this.underWay) if (branch.host !== undefined) hosts.push(branch.host);
    return hosts.length === 0 ? tried : [...(tried ?? []), ...hosts];
  }

  private nextAfter(delayMs: number): void {
    this.timer?.cancel();
    this.timer = undefined;
    if (this.isLast || delayMs === Infinity) return;
    this.timer = this.services.clock.after(delayMs, () => {
      this.timer = undefined;
      this.another();
    });
  }

  private another(): void {
    const { retryBudget, clock } = this.services;
    if (this.isOver || this.isLast) return;
    if (!retryBudget.draw(clock.nowMs(), this.settings.budget)) {
      this.count("over-budget");
      this.isLast = true;
      return;
    }
    this.count("sent");
    const recorded = this.call.hasSlots ? this.call.slots.get(RecordedCallSlot) : undefined;
    recorded?.addEvent("hedge", { [ownAttribute.attempt]: this.sent + 1 });
    this.attempt();
  }

  private answered(branch: Call, reply: Reply): void {
    this.underWay.delete(branch);
    if (this.isOver) return;
    this.call.host = branch.host;
    if (branch.attempt > 1) this.count("won");
    this.end();
    this.outcome.resolve(reply);
  }

  private failed(branch: Call, thrown: unknown): void {
    const { call, services } = this;
    this.underWay.delete(branch);
    if (this.isOver) return;
    if (branch.host !== undefined) call.tried = [...(call.tried ?? []), branch.host];
    if (!(thrown instanceof CallError) || retriable(thrown, call.method, this.settings.codes) === "fatal") {
      this.fail(thrown);
      return;
    }
    const pushback = pushbackOf(thrown.metadata, thrown.trailers, services.clock.wallMs());
    if (pushback === "never") {
      if (!this.isLast) this.count("pushed-back");
      this.isLast = true;
    }
    if (typeof pushback === "number") this.nextAfter(pushback < call.deadline.remainingMs(services.clock.nowMs()) ? pushback : Infinity);
    else {
      this.nextAfter(Infinity);
      this.another();
    }
    if (this.underWay.size === 0 && this.timer === undefined) this.fail(thrown);
  }

  private fail(thrown: unknown): void {
    if (this.isOver) return;
    this.end();
    this.outcome.reject(thrown);
  }

  private end(): void {
    this.isOver = true;
    this.timer?.cancel();
    const given = new CallError("CALLER_CANCELLED", "another attempt at the call has ended it");
    for (const branch of this.underWay) branch.cancel(given);
  }

  private count(outcome: string): void {
    this.services.metrics.policies.of("hedge", outcome).count++;
  }
}
