/**
 * One call and its further attempts: whether there is to be another, when, and what it is sent with. Made when the first attempt has failed.
 *
 * The trap: an attempt that was turned away unseen is repeated at once and for nothing (grpc/proposal A6, "transparent retries"), but once a
 * call only: a service that turns everything away would be asked for ever.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { codeName, codeOfBackendStatus, type Code } from "../../core/code.ts";
import { Deadline } from "../../core/deadline.ts";
import type { Handler } from "../../core/handler.ts";
import { callersAttempts, tellEarlierAttempts } from "../../core/previous-attempts.ts";
import { pushbackOf } from "../../core/pushback.ts";
import type { ReplayedMessages } from "../../core/replayed-messages.ts";
import type { Reply } from "../../core/reply.ts";
import { retriable, type Retriable } from "../../core/retriable.ts";
import type { BudgetTerms } from "../../core/retry-budget.ts";
import { RecordedCallSlot } from "../../telemetry/recorded-call.ts";
import { ownAttribute } from "../../telemetry/semantic-conventions.ts";
import type { Services } from "../policy.ts";

export interface RetrySettings {
  /** In all, the first included. */
  readonly attempts: number;
  readonly codes: ReadonlySet<Code>;
  readonly perTryTimeoutMs: number | undefined;
  readonly baseMs: number;
  readonly maxMs: number;
  readonly budget: BudgetTerms;
}

export class RetriedCall {
  private readonly call: Call;
  private readonly next: Handler;
  private readonly settings: RetrySettings;
  private readonly services: Services;
  /** What the request has sent so far, where it streams. */
  private readonly replayed: ReplayedMessages | undefined;
  private readonly callersAttempts: number;
  private retries = 0;
  /** Since the upstream last said itself when to come. */
  private backOffs = 0;
  private repeated = false;
  /** The attempt under way ends before the call does. */
  private isBounded = false;

  constructor(call: Call, next: Handler, settings: RetrySettings, services: Services, replayed?: ReplayedMessages) {
    this.call = call;
    this.next = next;
    this.settings = settings;
    this.services = services;
    this.replayed = replayed;
    this.callersAttempts = callersAttempts(call);
  }

  /** All attempts, the first too: each is to have its own time. */
  async first(): Promise<Reply> {
    try {
      return await this.attempt();
    } catch (thrown) {
      return this.after(thrown);
    }
  }

  /** What comes of the call whose attempt has failed with `thrown`: another attempt's reply, or a failure, mostly the same. */
  after(thrown: unknown): Promise<Reply> {
    return this.again(thrown, undefined);
  }

  /** As {@link after}, for an answer of plain HTTP, which may be a failure that came as a reply; the last one is the caller's. */
  afterAnswer(answer: Reply): Promise<Reply> {
    return this.again(this.failureOf(answer), answer);
  }

  /** @param answer the reply that `failure` came as */
  private async again(failure: unknown, answer: Reply | undefined): Promise<Reply> {
    const { call, replayed } = this;
    for (;;) {
      const delayMs = failure instanceof CallError ? this.delayAfter(failure) : undefined;
      if (delayMs === undefined) {
        replayed?.commit();
        if (answer !== undefined) return answer;
        throw failure;
      }
      answer?.messages.cancel();
      answer = undefined;
      try {
        await this.prepare(delayMs, failure as CallError);
        answer = await this.attempt();
      } catch (thrown) {
        failure = thrown;
        continue;
      }
      if (call.httpStatus < 400) {
        this.count("recovered");
        replayed?.commit();
        return answer;
      }
      failure = this.failureOf(answer);
    }
  }

  private failureOf({ metadata }: Reply): CallError {
    const { httpStatus } = this.call;
    const code = codeOfBackendStatus(httpStatus);
    return new CallError("UPSTREAM_STATUS", undefined, { source: "upstream", code, httpStatus, metadata });
  }

  /** How long to wait before the next attempt; undefined: there is none. */
  private delayAfter(error: CallError): number | undefined {
    const { call, settings, services } = this;
    const { clock, retryBudget } = services;
    if (call.cancelled !== undefined || this.replayed?.committed === true) return undefined;
    const kind = this.kindOf(error);
    if (kind === "fatal") return undefined;
    const nowMs = clock.nowMs();
    const remainingMs = call.deadline.remainingMs(nowMs);
    if (kind === "refused" && !this.repeated) {
      this.repeated = true;
      this.count("repeated");
      return 0;
    }
    const pushback = pushbackOf(error.metadata, error.trailers, clock.wallMs());
    if (pushback === "never") return this.gaveUp("pushed-back");
    if (this.retries + 1 >= settings.attempts) return this.gaveUp("exhausted");
    const delayMs = pushback ?? this.backOffMs(this.backOffs + 1);
    if (delayMs >= remainingMs) return this.gaveUp("too-late");
    if (!retryBudget.draw(nowMs, settings.budget)) return this.gaveUp("over-budget");
    this.backOffs = pushback === undefined ? this.backOffs + 1 : 0;
    this.retries++;
    this.count("retried");
    return delayMs;
  }

  private kindOf(error: CallError): Retriable {
    const { method } = this.call;
    if (!this.isBounded || error.reason !== "DEADLINE_EXCEEDED") return retriable(error, method, this.settings.codes);
    // The attempt's own time has passed, or the upstream says that it has.
    return error.retry === "safe" ? "unsent" : "failed";
  }

  /** Anything below (2^n - 1) times the base, as Envoy does it. @param n 1 for the first */
  private backOffMs(n: number): number {
    const { baseMs, maxMs } = this.settings;
    return (Math.min((2 ** n - 1) * baseMs, maxMs) * this.services.random.uint32()) / 2 ** 32;
  }

  /** Waits, and makes the call its next attempt. @throws CallError when it is cancelled meanwhile */
  private async prepare(delayMs: number, error: CallError): Promise<void> {
    const { call, replayed } = this;
    const recorded = call.hasSlots ? call.slots.get(RecordedCallSlot) : undefined;
    recorded?.addEvent("retry", {
      [ownAttribute.attempt]: call.attempt + 1,
      [ownAttribute.reason]: error.reason,
      [ownAttribute.code]: codeName(error.code),
      [ownAttribute.delayMs]: Math.round(delayMs),
    });
    if (delayMs > 0) await wait(call, delayMs, this.services);
    call.throwIfCancelled();
    call.nextAttempt();
    tellEarlierAttempts(call, this.callersAttempts + this.retries);
    if (replayed !== undefined) call.messages = replayed.view();
  }

  private attempt(): Promise<Reply> {
    const { call, settings } = this;
    const { clock, timers } = this.services;
    const atMs = clock.nowMs() + (settings.perTryTimeoutMs ?? Infinity);
    // The last attempt has all the time there is.
    this.isBounded = isBoundable(call) && this.retries + 1 < settings.attempts && atMs < call.deadline.atMs;
    if (!this.isBounded) return this.next(call);
    const deadline = new Deadline(atMs);
    const branch = call.branch(deadline);
    deadline.call = branch;
    timers.schedule(deadline);
    return this.bounded(branch);
  }

  private async bounded(branch: Call): Promise<Reply> {
    try {
      return await this.next(branch);
    } finally {
      this.services.timers.remove(branch.deadline);
      this.call.host = branch.host;
    }
  }

  private gaveUp(outcome: string): undefined {
    this.count(outcome);
  }

  private count(outcome: string): void {
    this.services.metrics.policies.of("retry", outcome).count++;
  }
}

/** Whether an attempt may be given up for another: not one that may be doing what must not be done twice. */
export function isBoundable({ method }: Call): boolean {
  return method.unary && method.idempotency !== "unknown";
}

/** Rejects when the call is cancelled meanwhile. */
function wait(call: Call, delayMs: number, { clock }: Services): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(delayMs, resolve);
    call.onCancel((error) => {
      timer.cancel();
      reject(error);
    });
  });
}
