/**
 * An upgrade that is passed on, as a Call: what of it is no part of the neutral Call, from the inbound to the outbound side and back.
 *
 * The trap: paths are the caller's to invent, so they are no part of the method's name; metrics and log lines know `http/WebSocket`.
 */
import { slot } from "../../../core/slots.ts";
import { opaqueMethod } from "../../shared/opaque-type.ts";
import type { UpstreamSocket } from "./upstream-socket.ts";

export interface UpgradeRequest {
  readonly target: string;
  readonly authority: string;
  /** The client's `sec-websocket-key`, which the service sees as it is. */
  readonly key: string;
}

export interface UpgradeAnswer {
  /** 101, or what the service refused with. */
  readonly status: number;
  /** Set when it is 101. */
  readonly socket: UpstreamSocket | undefined;
}

/** Set by the inbound side. */
export const UpgradeRequestSlot = slot<UpgradeRequest>("websocket.upgrade");
/** Set by the outbound side before its reply. */
export const UpgradeAnswerSlot = slot<UpgradeAnswer>("websocket.answer");

/** What all calls that are passed on are calls of. */
export const passedOnMethod = opaqueMethod("/http/WebSocket");
