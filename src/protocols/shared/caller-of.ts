/** The caller of a call, from the connection it came by. */
import type { Caller } from "../../core/caller.ts";
import type { Peer } from "../../wire/exchange.ts";

/** @param protocol the inbound's kind */
export function callerOf({ address, tls }: Peer, protocol: string): Caller {
  return { address, protocol, secure: tls !== undefined, tls };
}
