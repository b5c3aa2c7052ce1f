/** Every protocol, in the order in which an exchange is offered to them (SEMANTICS A3: header-only classification). */
import { createGrpcInbound } from "./grpc/inbound.ts";
import type { Inbound } from "./protocol.ts";
import { createRestInbound } from "./rest/inbound.ts";

export function createInbounds(): readonly Inbound[] {
  return [
    createGrpcInbound(), // by content type, before anything that looks at paths
    createRestInbound(), // last: takes what is left, and answers 404 where it must
  ];
}
