/**
 * An attempt from its going to a host until its end, for the accounts of the host and of the attempt's gate.
 *
 * It looks at the reply's promise from the side, and hands the promise itself on: a failure still reaches whoever made the call.
 */
import type { CallError } from "../core/call-error.ts";
import { CallError as CallFailure } from "../core/call-error.ts";
import type { Clock } from "../core/clock.ts";
import { outcomeOf, type HostGate, type Outcome } from "../core/host.ts";
import type { Reply } from "../core/reply.ts";
import type { Status } from "../core/status.ts";
import type { UpstreamHost } from "./host.ts";

export class Attempt {
  private readonly host: UpstreamHost;
  private readonly gate: HostGate | undefined;
  private readonly clock: Clock;
  private readonly startedAtMs: number;

  constructor(host: UpstreamHost, gate: HostGate | undefined, clock: Clock, nowMs: number) {
    this.host = host;
    this.gate = gate;
    this.clock = clock;
    this.startedAtMs = nowMs;
    host.began();
    gate?.began(host, nowMs);
  }

  watch(reply: Promise<Reply>): void {
    reply.then(
      ({ ended, end }) => {
        if (ended !== undefined) this.ended(ended);
        // Never rejects.
        else void end.then((status) => this.ended(status));
      },
      (thrown: unknown) => this.failed(thrown),
    );
  }

  failed(thrown: unknown): void {
    this.settle(outcomeOf(CallFailure.of(thrown)));
  }

  private ended({ error }: Status): void {
    this.settle(error === undefined ? "success" : outcomeOf(error satisfies CallError));
  }

  private settle(outcome: Outcome): void {
    const nowMs = this.clock.nowMs();
    this.host.ended(outcome, this.startedAtMs, nowMs);
    this.gate?.ended(this.host, outcome, nowMs);
  }
}
