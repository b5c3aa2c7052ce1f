/**
 * The header fields of a request to a Connect upstream: metadata, and what the protocol says beside it.
 *
 * The trap: metadata that came by another protocol may be named as fields of this one ("accept-encoding"), and would steer it.
 */
import type { Call } from "../../core/call.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { Payload } from "../../core/payload.ts";
import { openableOf } from "../shared/compression.ts";
import { formatConnectTimeout } from "../shared/timeout.ts";
import { hopByHop } from "../shared/upstream-fields.ts";

const none: readonly string[] = Object.freeze([]);
const known = new IdentityCache<readonly string[], readonly string[]>(32);

/** The metadata that may go along; the same list again for shared metadata, so that its encoded form is found again. */
export function sentMetadata(metadata: Metadata): readonly string[] {
  const key = metadata.sharedFlat;
  if (key === undefined) return withoutOwn(metadata.flat);
  return known.get(key) ?? known.set(key, withoutOwn(key));
}

function withoutOwn(flat: readonly string[]): readonly string[] {
  let kept: string[] | undefined;
  for (let i = 0; i < flat.length; i += 2) {
    if (isOwn(flat[i]!)) kept ??= flat.slice(0, i);
    else kept?.push(flat[i]!, flat[i + 1]!);
  }
  return kept ?? flat;
}

function isOwn(name: string): boolean {
  switch (name) {
    case "accept":
    case "accept-encoding":
    case "content-encoding":
    case "content-type":
      return true;
    default:
      return name.startsWith("connect-") || name.startsWith("grpc-") || name.startsWith(":") || hopByHop.has(name);
  }
}

/** What differs from call to call. @param message of a unary call, whose body is compressed as a whole or not at all */
export function callFields({ encoding, hopFields, messages }: Call, remainingMs: number, message: Payload | undefined): readonly string[] {
  // The end of a stream and the JSON of an error may come compressed like messages, and are read here.
  const accept = encoding.accept === undefined ? undefined : openableOf(encoding.accept);
  const request =
    message === undefined ? (encoding.request ?? messages.single?.compressed?.encoding) : encodingOf(message, encoding.request);
  if (remainingMs === Infinity && request === undefined && accept === undefined) return hopFields ?? none;
  const fields = hopFields === undefined ? [] : hopFields.slice();
  const prefix = message === undefined ? "connect-" : "";
  if (remainingMs !== Infinity) fields.push("connect-timeout-ms", formatConnectTimeout(remainingMs));
  if (request !== undefined) fields.push(`${prefix}content-encoding`, request);
  if (accept !== undefined) fields.push(`${prefix}accept-encoding`, accept);
  return fields;
}

/** Said also of an empty message, which is never compressed: an encoding the upstream does not know is its to refuse. */
function encodingOf(message: Payload, request: string | undefined): string | undefined {
  if (message.compressed !== undefined || request === undefined) return message.compressed?.encoding;
  return message.wireView().length === 0 ? request : undefined;
}
