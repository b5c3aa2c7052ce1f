/**
 * Calls over a WebSocket in: any method of any kind, at its REST path or its own, in one of the subprotocols (SEMANTICS A2).
 *
 * The trap: what is refused before the 101 is an HTTP answer; what fails afterwards is told by frames, and the session does that. So
 * `reject` is for the former only, and `encode` leaves the last word to the session.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { systemClock, type Clock } from "../../core/clock.ts";
import { systemRandom, type Random } from "../../core/random.ts";
import type { Reply } from "../../core/reply.ts";
import type { Status } from "../../core/status.ts";
import type { Exchange, RequestHead } from "../../wire/exchange.ts";
import { isUpgradable } from "../../wire/http1/upgradable.ts";
import type { Catalogue, Inbound, WebSocketSettings } from "../protocol.ts";
import { errorJson } from "../shared/error-json.ts";
import { httpStatusOfCode } from "../shared/http-status.ts";
import type { Dialect } from "./dialect.ts";
import { GrpcFrames } from "./grpc-frames.ts";
import { readHandshake } from "./handshake.ts";
import { JsonFrames } from "./json-frames.ts";
import type { MessageBinding } from "./message-binding.ts";
import { PlainJson } from "./plain-json.ts";
import { ProtoFrames } from "./proto-frames.ts";
import { RequestFields } from "./request-fields.ts";
import { bindingFor } from "./route.ts";
import { Session, SessionOf } from "./session.ts";
import type { Subprotocol } from "./subprotocols.ts";

export const defaultWebSocketSettings: WebSocketSettings = Object.freeze({
  origins: [],
  messageBytes: 1 << 20,
  compression: true,
  pingMs: 30_000,
  idleMs: 300_000,
});

export interface WebSocketInboundOptions {
  readonly clock?: Clock;
  readonly random?: Random;
}

export function createWebSocketInbound({ clock = systemClock, random = systemRandom }: WebSocketInboundOptions = {}): Inbound {
  return {
    kind: "websocket",

    accepts: ({ upgrade, method }: RequestHead) => upgrade === "websocket" && method === "GET",

    decode(x: Exchange, catalogue: Catalogue): Promise<Call> {
      const settings = catalogue.websocket ?? defaultWebSocketSettings;
      const handshake = readHandshake(x.head, settings);
      const binding = bindingFor(x.head.target, handshake.subprotocol, catalogue);
      const fields = new RequestFields();
      fields.addHeaders(x.head.headers.flat);
      if (handshake.bearer !== undefined) fields.set("authorization", `Bearer ${handshake.bearer}`);
      const raw = isUpgradable(x) ? x.switchProtocols(handshake.headers) : undefined;
      if (raw === undefined) throw new CallError("BAD_REQUEST", "this request cannot become a WebSocket", { source: "caller" });
      const dialect = dialectOf(handshake.subprotocol, binding, catalogue, settings);
      return new Session(raw, { peer: x.peer, handshake, method: binding.method, dialect, fields, settings, clock, random }).firstCall;
    },

    encode: (reply: Reply, call: Call): Promise<Status> => call.slots.get(SessionOf)!.answer(reply, call),

    reject(error: CallError, x: Exchange, catalogue: Catalogue): void {
      x.body.cancel();
      const headers = ["content-type", "application/json", ...error.headers];
      x.respond(error.httpStatus ?? httpStatusOfCode(error.code), headers, Buffer.from(errorJson(error, catalogue)));
    },
  };
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
