/**
 * What the next server is told of a request, as a list that comes again when the same fields come again from the same place: the wire shares lists
 * of heads that repeat, and everything further on (trace, encoding) finds what it made of a list by its identity.
 */
import { IdentityCache } from "../../core/identity-cache.ts";
import type { Peer, RequestHead } from "../../wire/exchange.ts";
import { forwardedFields } from "../shared/http-fields.ts";

interface Forwarded {
  readonly head: RequestHead;
  readonly address: string;
  readonly fields: readonly string[];
}

const last = new IdentityCache<readonly string[], Forwarded>(16);

/** The caller's end-to-end fields, and where they came from; not to be written to. */
export function forwarded(head: RequestHead, peer: Peer): readonly string[] {
  const { address } = peer;
  const { flat } = head.headers;
  const known = last.get(flat);
  if (known !== undefined && known.address === address && isAlike(known.head, head)) return known.fields;
  return last.set(flat, { head, address, fields: forwardedFields(head, peer) }).fields;
}

/** In what is told of a head beside its fields. */
function isAlike(one: RequestHead, other: RequestHead): boolean {
  return one.authority === other.authority && one.scheme === other.scheme && one.version === other.version;
}
