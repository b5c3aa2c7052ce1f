/**
 * The end of a streaming call's credentials: the call ends with them, unless new ones come in time.
 *
 * The trap: an entry of the timer wheel keeps its call alive, so it leaves the wheel with the end of the call.
 */
import type { Call } from "../../core/call.ts";
import type { CallError } from "../../core/call-error.ts";
import type { Clock } from "../../core/clock.ts";
import { PrincipalSlot, RenewSlot, type Principal } from "../../core/principal.ts";
import { WheelEntry, type TimerWheel } from "../../core/timer-wheel.ts";
import { CredentialsError } from "../../identity/credentials-error.ts";

export interface ExpiryOptions {
  readonly timers: TimerWheel;
  readonly clock: Clock;
  /** Who shows new credentials. Rejects when they are not accepted. */
  readonly renewed: (authorization: string) => Promise<Principal>;
  readonly refusal: (thrown: unknown, call: Call) => CallError;
}

export class Expiry extends WheelEntry {
  private readonly call: Call;
  private readonly options: ExpiryOptions;

  private constructor(call: Call, options: ExpiryOptions) {
    super(Infinity);
    this.call = call;
    this.options = options;
  }

  static watch(call: Call, principal: Principal, options: ExpiryOptions): void {
    const expiry = new Expiry(call, options);
    expiry.endAt(principal.expiresAtMs);
    call.slots.set(RenewSlot, (authorization) => void expiry.renew(authorization));
    call.onEnd(() => options.timers.remove(expiry));
  }

  override expire(): void {
    const { call, options } = this;
    call.cancel(options.refusal(new CredentialsError("TOKEN_EXPIRED", "it has expired"), call));
  }

  private endAt(wallMs: number): void {
    const { timers, clock } = this.options;
    timers.remove(this);
    this.atMs = clock.nowMs() + wallMs - clock.wallMs();
    if (this.atMs !== Infinity) timers.schedule(this);
  }

  /** Never rejects: what is not accepted ends the call. */
  private async renew(authorization: string): Promise<void> {
    const { call, options } = this;
    try {
      const principal = await options.renewed(authorization);
      const former = call.slots.get(PrincipalSlot)!;
      if (principal.kind !== former.kind || principal.id !== former.id)
        throw new CredentialsError("INVALID_TOKEN", "it is not of the principal that began the call");
      if (call.isOver || call.cancelled !== undefined) return;
      call.slots.set(PrincipalSlot, principal);
      this.endAt(principal.expiresAtMs);
    } catch (thrown) {
      call.cancel(options.refusal(thrown, call));
    }
  }
}
