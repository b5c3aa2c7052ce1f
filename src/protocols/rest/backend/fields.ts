/**
 * Metadata -> header fields of a request to a REST backend, and its answer's fields -> metadata.
 *
 * The trap: what belongs to one connection stops at it in both directions (RFC 9110, section 7.6.1), also what `connection` names.
 */
import type { Call } from "../../../core/call.ts";
import { Metadata } from "../../../core/metadata.ts";
import { formatGrpcTimeout } from "../../shared/timeout.ts";
import { hopByHop, isMetadata } from "../../shared/upstream-fields.ts";

/** What a request's metadata may hold and this hop says itself. */
const ownRequestFields: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "connect-timeout-ms",
  "content-encoding",
  "content-type",
  "x-server-timeout",
]);

/** Header fields of a request as a flat list. @param remainingMs of the call's deadline; Infinity for none */
export function requestFields(call: Call, accept: string, contentType: string | undefined, remainingMs: number): string[] {
  const fields = ["accept", accept];
  if (contentType !== undefined) fields.push("content-type", contentType);
  if (remainingMs !== Infinity)
    // The two forms in use among REST servers: grpc-gateway's, and seconds. Rounded down, so that a hop never adds time.
    fields.push("grpc-timeout", formatGrpcTimeout(remainingMs), "x-server-timeout", (Math.floor(remainingMs) / 1000).toFixed(3));
  addMetadata(fields, call.metadata.flat);
  if (call.hopFields !== undefined) fields.push(...call.hopFields);
  return fields;
}

function addMetadata(fields: string[], flat: readonly string[]): void {
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    if (hopByHop.has(name) || ownRequestFields.has(name) || name.startsWith("grpc-") || name.startsWith(":")) continue;
    fields.push(name, flat[i + 1]!);
  }
}

export interface AnswerFields {
  readonly metadata: Metadata;
  /** What a transcoder behind us wrote as `trailer-x`. */
  readonly trailers: Metadata;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** -1 when it is not declared. */
  readonly contentLength: number;
}

/** How grpc-gateway writes metadata and trailers. */
const gatewayPrefixes = ["grpc-metadata-", "grpc-trailer-"] as const;
const trailerPrefix = "trailer-";

/** @param status of an answer that is no failure; 200 where nothing needs to be told of it */
export function answerFields(headers: readonly string[], status = 200): AnswerFields {
  const metadata: string[] = [];
  const trailers: string[] = [];
  let contentType: string | undefined;
  let contentEncoding: string | undefined;
  let contentLength = -1;
  const stopping = namedByConnection(headers);
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    if (name === "content-type") contentType = value;
    else if (name === "content-encoding") contentEncoding = contentEncoding === undefined ? value : `${contentEncoding}, ${value}`;
    else if (name === "content-length") contentLength = Number(value);
    else if (stopping.has(name)) continue;
    else if (name.startsWith(trailerPrefix)) addField(trailers, name.slice(trailerPrefix.length), value);
    else addField(metadata, name, value);
  }
  // So that a caller of REST gets the status that the backend chose.
  if (status !== 200) metadata.push("x-http-code", String(status));
  return { metadata: ofList(metadata), trailers: ofList(trailers), contentType, contentEncoding, contentLength };
}

/** Trailer fields as metadata; `grpc-status` and its like are read by others. */
export function trailerFields(fields: readonly string[]): Metadata {
  const trailers: string[] = [];
  for (let i = 0; i < fields.length; i += 2) addField(trailers, fields[i]!, fields[i + 1]!);
  return ofList(trailers);
}

function addField(into: string[], given: string, value: string): void {
  const prefix = gatewayPrefixes.find((each) => given.startsWith(each));
  const name = prefix === undefined ? given : given.slice(prefix.length);
  if (hopByHop.has(name) || name.startsWith("grpc-") || name === "x-http-code" || name === "content-type") return;
  if (isMetadata(name, value)) into.push(name, value);
}

function namedByConnection(headers: readonly string[]): ReadonlySet<string> {
  let named = hopByHop;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== "connection" || /^(close|keep-alive)$/i.test(headers[i + 1]!)) continue;
    named = new Set([...named, ...headers[i + 1]!.split(",", 64).map((name) => name.trim().toLowerCase())]);
  }
  return named;
}

function ofList(flat: string[]): Metadata {
  return flat.length === 0 ? Metadata.empty : new Metadata(flat);
}
