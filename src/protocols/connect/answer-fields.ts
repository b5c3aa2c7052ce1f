/**
 * The header fields of an upstream's answer: what belongs to the protocol is read and taken out, the rest is metadata and, behind `trailer-`,
 * trailers. Read once for all answers that begin with the same block.
 */
import { IdentityCache } from "../../core/identity-cache.ts";
import { Metadata } from "../../core/metadata.ts";
import { hopByHop, isMetadata } from "../shared/upstream-fields.ts";

export interface AnswerFields {
  readonly metadata: readonly string[];
  /** A unary answer's. */
  readonly trailers: Metadata;
  /** Without parameters, in lower case; "" for none. */
  readonly contentType: string;
  /** Of a unary answer's body; undefined for identity. */
  readonly contentEncoding: string | undefined;
  /** Of a streaming answer's messages; undefined for identity. */
  readonly messageEncoding: string | undefined;
}

const trailerPrefix = "trailer-";
const none: readonly string[] = Object.freeze([]);
const known = new IdentityCache<readonly string[], AnswerFields>(32);

export function readAnswerFields(headers: readonly string[]): AnswerFields {
  return known.get(headers) ?? known.set(headers, read(headers));
}

function read(headers: readonly string[]): AnswerFields {
  const metadata: string[] = [];
  const trailers: string[] = [];
  let contentType = "";
  let contentEncoding: string | undefined;
  let messageEncoding: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    if (name === "content-type") contentType = value.split(";", 1)[0]!.trim().toLowerCase();
    else if (name === "content-encoding") contentEncoding = encodingOf(value);
    else if (name === "connect-content-encoding") messageEncoding = encodingOf(value);
    else if (hopByHop.has(name) || isReserved(name)) continue;
    else if (name.startsWith(trailerPrefix)) addTo(trailers, name.slice(trailerPrefix.length), value);
    else addTo(metadata, name, value);
  }
  return {
    metadata: metadata.length === 0 ? none : metadata,
    trailers: trailers.length === 0 ? Metadata.empty : Metadata.share(trailers),
    contentType,
    contentEncoding,
    messageEncoding,
  };
}

function encodingOf(value: string): string | undefined {
  return value === "identity" ? undefined : value;
}

/** Names of this protocol, and of gRPC, which must not be steered by what an upstream of this one says. */
function isReserved(name: string): boolean {
  return name === "accept-encoding" || name.startsWith("connect-") || name.startsWith("grpc-");
}

function addTo(list: string[], name: string, value: string): void {
  if (!isReserved(name) && isMetadata(name, value)) list.push(name, value);
}
