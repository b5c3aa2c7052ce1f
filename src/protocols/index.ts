/** Every protocol, in the order in which an exchange is offered to them, by its head alone. */
import { createConnectInbound } from "./connect/inbound.ts";
import { createGrpcInbound } from "./grpc/inbound.ts";
import { createGrpcWebInbound } from "./grpc-web/inbound.ts";
import { createHttpInbound } from "./http/inbound.ts";
import type { Inbound } from "./protocol.ts";
import { createRestInbound } from "./rest/inbound.ts";
import { createWebSocketInbound } from "./websocket/inbound.ts";

export function createInbounds(): readonly Inbound[] {
  return [
    createWebSocketInbound(), // by the upgrade alone, whatever else the head says
    createHttpInbound(), // before those that look at content types: what passes through may be of any; but only what no schema describes
    createGrpcInbound(), // by content type alone, before anything that looks at paths
    createGrpcInbound("json"), // the same with JSON messages
    createGrpcWebInbound(), // by content type alone
    createConnectInbound(), // by content type, version header or query; plain JSON without them is REST's
    createRestInbound(), // last: takes what is left, and answers 404 where it must
  ];
}
