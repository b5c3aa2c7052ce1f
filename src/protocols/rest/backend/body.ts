/**
 * The body of a REST backend's answer: opened where it is encoded, collected where it is wanted whole.
 *
 * The trap: what reads it was written for requests and calls a fault the caller's; here it is the upstream's.
 */
import { CallError, type ErrorSource } from "../../../core/call-error.ts";
import { type Reason } from "../../../core/reasons.ts";
import type { BodyReader } from "../../../wire/exchange.ts";
import { tooLarge } from "../../shared/envelope.ts";
import { decodedBody } from "../content-decoding.ts";
import type { BackendExchange } from "./exchange.ts";

/** @throws CallError UPSTREAM_PROTOCOL for an encoding nobody here reads */
export function openedBody(exchange: BackendExchange, contentEncoding: string | undefined): BodyReader {
  if (contentEncoding === undefined) return exchange;
  try {
    return decodedBody(exchange, contentEncoding);
  } catch (error) {
    throw errorOfBody(error, exchange);
  }
}

/** @throws CallError UPSTREAM_MESSAGE_TOO_LARGE, UPSTREAM_PROTOCOL, or what the exchange failed with */
export async function collectAnswer(
  exchange: BackendExchange,
  contentEncoding: string | undefined,
  limitBytes: number,
): Promise<Uint8Array> {
  const { bytes, whole } = await collectUpTo(exchange, contentEncoding, limitBytes);
  if (!whole) throw tooLarge(bytes.length, limitBytes, "upstream");
  return bytes;
}

/** The body, or as much of it as is more than the limit. The rest is not read. @throws CallError */
export async function collectUpTo(
  exchange: BackendExchange,
  contentEncoding: string | undefined,
  limitBytes: number,
): Promise<{ readonly bytes: Uint8Array; readonly whole: boolean }> {
  const body = openedBody(exchange, contentEncoding);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const next = body.read();
      const chunk = next instanceof Promise ? await next : next;
      if (chunk === undefined) return { bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size), whole: true };
      chunks.push(chunk);
      size += chunk.length;
      if (size <= limitBytes) continue;
      body.cancel();
      return { bytes: Buffer.concat(chunks, size), whole: false };
    }
  } catch (error) {
    body.cancel();
    throw errorOfBody(error, exchange);
  }
}

/** What a fault of a request is when an answer has it. */
const upstreamReasons: ReadonlyMap<Reason, Reason> = new Map([
  ["INVALID_JSON", "UPSTREAM_MESSAGE"],
  ["MESSAGE_TOO_LARGE", "UPSTREAM_MESSAGE_TOO_LARGE"],
  ["UNSUPPORTED_ENCODING", "UPSTREAM_PROTOCOL"],
  ["BAD_REQUEST", "UPSTREAM_PROTOCOL"],
]);

/** For what was thrown while an answer was read. What the exchange itself failed with is said already, and may be the caller's fault. */
export function errorOfBody(thrown: unknown, { failure }: BackendExchange): CallError {
  const error = CallError.of(thrown);
  if (error === failure) return error;
  const reason = upstreamReasons.get(error.reason);
  if (reason === undefined) return error;
  const source: ErrorSource = "upstream";
  return new CallError(reason, `the upstream's answer: ${error.message}`, { source, cause: error.cause });
}
