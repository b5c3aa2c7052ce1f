/** What the inbound sides know of the service behind, as the configuration has it. */
import { isRest, parseUpstream } from "../config/addresses.ts";
import type { Config } from "../config/schema.ts";
import type { Catalogue } from "../protocols/protocol.ts";
import type { MethodTable } from "../schema/method-table.ts";

export function catalogueOf({ limits, inbound }: Config, table: MethodTable | undefined): Catalogue {
  return {
    table,
    messageBytes: limits.messageBytes,
    plainErrors: inbound.plainErrors,
    methodOverride: inbound.methodOverride,
    plainHttp: isRest(parseUpstream(inbound.upstream)),
    bodyBytes: limits.bodyBytes,
    websocket: inbound.websocket,
  };
}
