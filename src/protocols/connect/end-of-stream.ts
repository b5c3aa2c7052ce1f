/**
 * `EndStreamResponse` of an upstream: the last message of a streaming answer, JSON whatever the codec (connectrpc.com/docs/protocol,
 * "Streaming-Response").
 *
 * The trap: no error in it is success, `null` too; but bytes that are no JSON object are neither.
 */
import { CallError } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import { Metadata } from "../../core/metadata.ts";
import { okStatus, statusOf, type Status } from "../../core/status.ts";
import { compressedFlag, type Envelope } from "../shared/envelope.ts";
import { compressed } from "../shared/compression.ts";
import { isMetadata } from "../shared/upstream-fields.ts";
import { readConnectError } from "./errors.ts";

/** Flag bit of the last message. */
export const endStreamFlag = 2;
/** Trailers end up in header fields, so they may be as large as those. */
const trailersBytes = 60 << 10;

/** @throws CallError UPSTREAM_PROTOCOL */
export function readEndOfStream({ flags, bytes }: Envelope, encoding: string | undefined, limitBytes: number): Status {
  const end = parsed((flags & compressedFlag) === 0 ? bytes : opened(bytes, encoding, limitBytes));
  const { error, metadata } = end;
  const trailers = readTrailers(metadata);
  if (error === undefined || error === null) return okStatus(trailers);
  const failure = readConnectError(error, Code.UNKNOWN, { trailers });
  if (failure === undefined) throw bad("the upstream's end of stream holds an error that is none");
  return statusOf(failure);
}

function opened(bytes: Uint8Array, encoding: string | undefined, limitBytes: number): Uint8Array {
  if (encoding === undefined) throw bad("the upstream's end of stream is compressed, without an encoding");
  return compressed(encoding, bytes, limitBytes, "upstream").open();
}

function parsed(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
  } catch (cause) {
    throw bad("the upstream's end of stream is not JSON", cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad("the upstream's end of stream is not a JSON object");
  return value as Readonly<Record<string, unknown>>;
}

function readTrailers(metadata: unknown): Metadata {
  if (typeof metadata !== "object" || metadata === null) return Metadata.empty;
  const flat: string[] = [];
  let size = 0;
  for (const [given, values] of Object.entries(metadata)) {
    const name = given.toLowerCase();
    for (const value of Array.isArray(values) ? (values as unknown[]) : [values]) {
      if (typeof value !== "string" || !isMetadata(name, value)) continue;
      size += name.length + value.length;
      if (size > trailersBytes) throw bad(`the upstream's trailers are larger than ${trailersBytes} bytes`);
      flat.push(name, value);
    }
  }
  return flat.length === 0 ? Metadata.empty : new Metadata(flat);
}

function bad(message: string, cause?: unknown): CallError {
  return new CallError("UPSTREAM_PROTOCOL", message, { source: "upstream", cause });
}
