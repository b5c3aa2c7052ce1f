/**
 * A WebSocket opened: the upgrade checked and answered, and a session made of the connection.
 *
 * The trap: everything that can be refused by an HTTP status must be refused before the 101.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { Reply } from "../../core/reply.ts";
import type { Status } from "../../core/status.ts";
import type { Exchange } from "../../wire/exchange.ts";
import { isUpgradable } from "../../wire/http1/upgradable.ts";
import type { Catalogue, WebSocketSettings } from "../protocol.ts";
import type { Dialect } from "./dialect.ts";
import { GrpcFrames } from "./grpc-frames.ts";
import { readHandshake } from "./handshake.ts";
import { JsonFrames } from "./json-frames.ts";
import type { MessageBinding } from "./message-binding.ts";
import { PlainJson } from "./plain-json.ts";
import { ProtoFrames } from "./proto-frames.ts";
import { answerPassedOn, passOn } from "./relay/pass-on.ts";
import { RequestFields } from "./request-fields.ts";
import { bindingFor } from "./route.ts";
import { Session, SessionOf } from "./session.ts";
import type { Subprotocol } from "./subprotocols.ts";

const defaults: WebSocketSettings = Object.freeze({
  origins: [],
  messageBytes: 1 << 20,
  compression: true,
  pingMs: 30_000,
  idleMs: 300_000,
});

export interface OpenServices {
  readonly clock: Clock;
  readonly random: Random;
}

/** The call that the client makes, as soon as it has made it. @throws CallError while an HTTP answer can still be given; else it rejects */
export function openWebSocket(x: Exchange, catalogue: Catalogue, services: OpenServices): Promise<Call> {
  const settings = settingsOf(catalogue);
  const handshake = readHandshake(x.head, settings);
  const binding = bindingFor(x.head.target, handshake.subprotocol, catalogue);
  const fields = new RequestFields();
  fields.addHeaders(x.head.headers.flat);
  if (handshake.bearer !== undefined) fields.set("authorization", `Bearer ${handshake.bearer}`);
  const { peer } = x;
  const raw = isUpgradable(x) ? x.switchProtocols(handshake.headers) : undefined;
  if (raw === undefined) throw new CallError("BAD_REQUEST", "this request cannot become a WebSocket", { source: "caller" });
  const dialect = dialectOf(handshake.subprotocol, binding, catalogue, settings);
  return new Session(raw, { peer, handshake, method: binding.method, dialect, fields, settings, ...services }).firstCall;
}

/** An upgrade that is the service's own business, as a call. @throws CallError */
export function passWebSocketOn(x: Exchange, catalogue: Catalogue): Call {
  return passOn(x, settingsOf(catalogue));
}

/** Writes the reply and says how the call ended. Never rejects. */
export function answer(reply: Reply, call: Call, x: Exchange, catalogue: Catalogue, services: OpenServices): Promise<Status> {
  const session = call.slots.get(SessionOf);
  return session === undefined ? answerPassedOn(reply, call, x, settingsOf(catalogue), services) : session.answer(reply, call);
}

function settingsOf({ websocket }: Catalogue): WebSocketSettings {
  return websocket ?? defaults;
}

function dialectOf(subprotocol: Subprotocol, binding: MessageBinding, catalogue: Catalogue, { messageBytes }: WebSocketSettings): Dialect {
  switch (subprotocol) {
    case "json":
      return new PlainJson(binding, catalogue);
    case "dragoman-json":
      return new JsonFrames(binding, catalogue);
    case "dragoman-proto":
      return new ProtoFrames(binding, catalogue);
    case "grpc":
      return new GrpcFrames(binding, catalogue, messageBytes);
  }
}
