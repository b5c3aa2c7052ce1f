/**
 * The inbound side of what is passed on: the upgrade as a Call, and the service's answer to it, a refusal or a relay.
 *
 * The trap: what is ours to refuse (origin, a malformed handshake) is refused before the service hears of it.
 */
import { Call, callerLeft } from "../../../core/call.ts";
import { CallError } from "../../../core/call-error.ts";
import { Deadline } from "../../../core/deadline.ts";
import { MessageList } from "../../../core/messages.ts";
import { Metadata } from "../../../core/metadata.ts";
import type { Reply } from "../../../core/reply.ts";
import { statusOf, type Status } from "../../../core/status.ts";
import type { Exchange } from "../../../wire/exchange.ts";
import { isUpgradable } from "../../../wire/http1/upgradable.ts";
import type { WebSocketSettings } from "../../protocol.ts";
import { callerOf } from "../../shared/caller-of.ts";
import { forwardedFields, serverTimeoutOf } from "../../shared/http-fields.ts";
import { checkUpgrade } from "../handshake.ts";
import type { OpenServices } from "../open.ts";
import { Relay } from "./relay.ts";
import { passedOnMethod, UpgradeAnswerSlot, UpgradeRequestSlot } from "./upgrade-call.ts";

/** @throws CallError */
export function passOn(x: Exchange, settings: WebSocketSettings): Call {
  const { head, peer } = x;
  const key = checkUpgrade(head, settings);
  if (!isUpgradable(x) || x.body.whole()?.length !== 0)
    throw new CallError("BAD_REQUEST", "this request cannot become a WebSocket", { source: "caller" });
  const deadline = new Deadline(x.arrivedAtMs + serverTimeoutOf(head.headers));
  const fields = new Metadata(forwardedFields(head, peer));
  const call = new Call(passedOnMethod, callerOf(peer, "websocket"), fields, new MessageList([]), deadline, x.arrivedAtMs);
  call.slots.set(UpgradeRequestSlot, { target: head.target, authority: head.authority, key });
  return call;
}

/** Relays until the end, where the service agreed, and says how it ended. Never rejects. */
export function answerPassedOn(
  reply: Reply,
  call: Call,
  x: Exchange,
  settings: WebSocketSettings,
  services: OpenServices,
): Promise<Status> {
  const { status, socket } = call.slots.get(UpgradeAnswerSlot)!;
  if (socket === undefined) return refuse(reply, call, x, status);
  const client = isUpgradable(x) && call.cancelled === undefined ? x.switchProtocols(reply.metadata.flat) : undefined;
  if (client !== undefined) return new Relay({ call, client, service: socket, settings, ...services }).run();
  socket.cancel();
  return Promise.resolve(statusOf(call.cancelled ?? callerLeft()));
}

async function refuse(reply: Reply, call: Call, x: Exchange, status: number): Promise<Status> {
  const body = await reply.messages.next();
  const bytes = body?.wire();
  call.responseBytes = bytes?.length ?? 0;
  x.respond(status, reply.metadata.flat, bytes);
  return reply.end;
}
