/**
 * An upgrade passed on to a service that speaks WebSocket itself: the client's handshake as it came, the service's answer as it comes.
 *
 * The trap: a service that does not want the upgrade answers like any HTTP server, and its refusal is the answer of the call, not an error of ours.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Clock } from "../../core/clock.ts";
import type { Handler } from "../../core/handler.ts";
import type { UpgradingClient } from "../../wire/http-upgrade.ts";
import { UpgradeAttempt } from "./relay/upgrade-attempt.ts";
import { UpgradeRequestSlot } from "./relay/upgrade-call.ts";

export interface WebSocketOutboundOptions {
  readonly scheme: "http" | "https";
  /** host:port */
  readonly authority: string;
  readonly clock: Clock;
  /** Whose `host` the service sees: the one the caller asked for, or its own. */
  readonly host: "caller" | "upstream";
}

/** From the upgrade to its answer, connecting included. */
const handshakeMs = 15_000;
const none: readonly string[] = Object.freeze([]);

export function createWebSocketOutbound(client: UpgradingClient, { scheme, authority, clock, host }: WebSocketOutboundOptions): Handler {
  return (call: Call) => {
    const request = call.slots.get(UpgradeRequestSlot);
    if (request === undefined) throw new CallError("UNKNOWN_METHOD");
    const { deadline, metadata } = call;
    const nowMs = clock.nowMs();
    const remainingMs = deadline.isSet ? deadline.remainingMs(nowMs) : Infinity;
    if (remainingMs <= 0) throw new CallError("DEADLINE_EXCEEDED", undefined, { retry: "never" });
    call.throwIfCancelled();
    const attempt = new UpgradeAttempt(
      call,
      request,
      clock.after(handshakeMs, () => attempt.expire()),
    );
    const template = { method: "GET", scheme, authority, path: request.target, headers: none };
    const named = host === "caller" && request.authority !== "" ? request.authority : authority;
    const more = ["host", named, ...(call.hopFields ?? none)];
    // Rounded down, so that a hop never adds time.
    if (remainingMs !== Infinity) more.push("x-server-timeout", (Math.floor(remainingMs) / 1000).toFixed(3));
    attempt.begin(client.upgrade(template, metadata.flat, more, "websocket", attempt, Math.min(deadline.atMs, nowMs + handshakeMs)));
    return attempt.reply;
  };
}
