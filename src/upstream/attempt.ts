/**
 * An attempt from its going to a host until its end, for the accounts of the host and of the attempt's gate.
 *
 * It looks at the reply's promise from the side, and hands the promise itself on: a failure still reaches whoever made the call.
 */
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import type { Clock } from "../core/clock.ts";
import type { Handler } from "../core/handler.ts";
import { outcomeOf, type HostGate } from "../core/host.ts";
import type { Reply } from "../core/reply.ts";
import type { Status } from "../core/status.ts";
import type { UpstreamHost } from "./host.ts";

const serverError = 500;

/** Makes the attempt at `host`, which the call's gate has admitted. */
export function attemptAt(host: UpstreamHost, handler: Handler, call: Call, clock: Clock, nowMs: number): Promise<Reply> {
  call.host = host;
  const attempt = new Attempt(host, call.gate, clock, nowMs);
  let reply: Promise<Reply>;
  try {
    reply = handler(call);
  } catch (thrown) {
    attempt.failed(thrown);
    throw thrown;
  }
  attempt.watch(reply, call);
  return reply;
}

class Attempt {
  private readonly host: UpstreamHost;
  private readonly gate: HostGate | undefined;
  private readonly clock: Clock;
  private readonly startedAtMs: number;
  private readonly ticket: number;

  constructor(host: UpstreamHost, gate: HostGate | undefined, clock: Clock, nowMs: number) {
    this.host = host;
    this.gate = gate;
    this.clock = clock;
    this.startedAtMs = nowMs;
    host.began();
    this.ticket = gate === undefined ? 0 : gate.began(host, nowMs);
  }

  watch(reply: Promise<Reply>, call: Call): void {
    reply.then(
      ({ ended, end }) => {
        if (ended !== undefined) return this.ended(ended);
        // The head of plain HTTP may say already that it will not end well.
        if (call.httpStatus < serverError) this.gate?.answered(this.host, this.clock.nowMs(), this.ticket);
        // Never rejects.
        void end.then((status) => this.ended(status));
      },
      (thrown: unknown) => this.failed(thrown),
    );
  }

  failed(thrown: unknown): void {
    this.settle(CallError.of(thrown));
  }

  private ended({ error }: Status): void {
    this.settle(error);
  }

  private settle(error: CallError | undefined): void {
    const nowMs = this.clock.nowMs();
    const outcome = error === undefined ? "success" : outcomeOf(error, nowMs - this.startedAtMs);
    this.host.ended(outcome, this.startedAtMs, nowMs);
    this.gate?.ended(this.host, outcome, nowMs, this.ticket);
  }
}
