/**
 * The header fields of a Connect request: what belongs to the protocol is read and taken out, the rest is metadata.
 *
 * The trap: what was read is kept by the identity of the list and shared between calls, so nothing of one call may be in it.
 */
import { CallError } from "../../core/call-error.ts";
import { identityEncoding, type MessageEncoding } from "../../core/call.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import { parseConnectTimeout } from "../shared/timeout.ts";

export interface RequestFields {
  readonly metadata: readonly string[];
  /** Infinity without one. */
  readonly timeoutMs: number;
  /** What a unary message may cross with untouched. */
  readonly unaryEncoding: MessageEncoding;
  /** The same of a stream's messages. */
  readonly streamEncoding: MessageEncoding;
}

/** A client that sends the same head again sends the same list. */
const lastRead = new IdentityCache<readonly string[], RequestFields>(16);

/** @throws CallError for an unreadable timeout or another version of the protocol */
export function readRequestFields(headers: readonly string[]): RequestFields {
  return lastRead.get(headers) ?? lastRead.set(headers, readFields(headers));
}

function readFields(headers: readonly string[]): RequestFields {
  const metadata: string[] = [];
  const own = new Map<string, string>();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    if (!isOwn(name)) metadata.push(name, value);
    else if (!own.has(name)) own.set(name, value);
  }
  const version = own.get("connect-protocol-version");
  if (version !== undefined && version !== "1")
    throw new CallError("BAD_REQUEST", `connect-protocol-version must be "1", not ${JSON.stringify(version)}`, { source: "caller" });
  return {
    metadata,
    timeoutMs: readTimeout(own.get("connect-timeout-ms")),
    unaryEncoding: encodingOf(own.get("content-encoding"), own.get("accept-encoding")),
    streamEncoding: encodingOf(own.get("connect-content-encoding"), own.get("connect-accept-encoding")),
  };
}

const dropped: ReadonlySet<string> = new Set(["accept", "accept-encoding", "content-encoding", "content-type"]);

/** True of what stops at this hop. */
function isOwn(name: string): boolean {
  return name.startsWith("connect-") || dropped.has(name);
}

function readTimeout(text: string | undefined): number {
  if (text === undefined) return Infinity;
  const timeoutMs = parseConnectTimeout(text);
  if (timeoutMs === undefined)
    throw new CallError("INVALID_TIMEOUT", `connect-timeout-ms ${JSON.stringify(text)} cannot be read`, { source: "caller" });
  return timeoutMs;
}

function encodingOf(request: string | undefined, accept: string | undefined): MessageEncoding {
  const accepted = acceptedEncodings(accept);
  if ((request === undefined || request === "identity") && accepted === undefined) return identityEncoding;
  return { request: request === "identity" ? undefined : request, accept: accepted };
}

/** The encodings of an `accept-encoding` list, in the form of `grpc-accept-encoding`; weights are dropped, what is refused too. */
function acceptedEncodings(list: string | undefined): string | undefined {
  if (list === undefined) return undefined;
  const names = list
    .split(",")
    .filter((entry) => !/;\s*q=0(\.0*)?\s*$/.test(entry))
    .map((entry) => entry.split(";")[0]!.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "identity" && name !== "*");
  return names.length === 0 ? undefined : names.join(",");
}
