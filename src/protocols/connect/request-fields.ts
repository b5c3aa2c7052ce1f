/** The header fields of a Connect request: what belongs to the protocol is read and taken out, the rest is metadata. */
import { CallError } from "../../core/call-error.ts";
import { Metadata } from "../../core/metadata.ts";
import { parseConnectTimeout } from "../shared/timeout.ts";

const dropped: ReadonlySet<string> = new Set(["accept", "accept-encoding", "content-encoding", "content-type"]);

export interface RequestFields {
  readonly metadata: Metadata;
  /** Infinity without one. */
  readonly timeoutMs: number;
}

/** @throws CallError for an unreadable timeout or another version of the protocol */
export function readRequestFields(headers: readonly string[]): RequestFields {
  const metadata: string[] = [];
  let timeoutMs = Infinity;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    if (dropped.has(name)) continue;
    if (!name.startsWith("connect-")) {
      metadata.push(name, value);
    } else if (name === "connect-timeout-ms") {
      const parsed = parseConnectTimeout(value);
      if (parsed === undefined)
        throw new CallError("INVALID_TIMEOUT", `connect-timeout-ms ${JSON.stringify(value)} cannot be read`, { source: "caller" });
      timeoutMs = parsed;
    } else if (name === "connect-protocol-version" && value !== "1") {
      throw new CallError("BAD_REQUEST", `connect-protocol-version must be "1", not ${JSON.stringify(value)}`, { source: "caller" });
    }
  }
  return { metadata: new Metadata(metadata), timeoutMs };
}

/** The encodings of an `accept-encoding` list, in the form of `grpc-accept-encoding`; weights are dropped, what is refused too. */
export function acceptedEncodings(list: string | undefined): string | undefined {
  if (list === undefined) return undefined;
  const names = list
    .split(",")
    .filter((entry) => !/;\s*q=0(\.0*)?\s*$/.test(entry))
    .map((entry) => entry.split(";")[0]!.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "identity" && name !== "*");
  return names.length === 0 ? undefined : names.join(",");
}
