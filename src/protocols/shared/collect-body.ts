/**
 * The whole request body, for unary calls: at once when it is there, else when it has come, within size and time.
 *
 * The trap: the caller's deadline already runs while it uploads, so waiting for the body is bounded by it too.
 */
import { CallError } from "../../core/call-error.ts";
import { callerLeft } from "../../core/call.ts";
import type { BodyReader, RequestHead } from "../../wire/exchange.ts";
import { WireError } from "../../wire/wire-error.ts";
import { tooLarge } from "./envelope.ts";

/** @throws CallError MESSAGE_TOO_LARGE, DEADLINE_EXCEEDED, CALLER_CANCELLED or BAD_REQUEST, at once or by rejection. */
export function collectBody(
  { contentLength }: RequestHead,
  body: BodyReader,
  limitBytes: number,
  deadlineAtMs: number,
): Uint8Array | Promise<Uint8Array> {
  if (contentLength > limitBytes) {
    body.cancel();
    throw tooLarge(contentLength, limitBytes, "caller");
  }
  const whole = body.whole();
  if (whole === undefined) return collect(body, limitBytes, deadlineAtMs);
  if (whole.length > limitBytes) throw tooLarge(whole.length, limitBytes, "caller");
  return whole;
}

async function collect(body: BodyReader, limitBytes: number, deadlineAtMs: number): Promise<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_resolve, reject) => {
    if (deadlineAtMs === Infinity) return;
    timer = setTimeout(
      () => reject(new CallError("DEADLINE_EXCEEDED", "the deadline passed while the request was arriving")),
      deadlineAtMs - performance.now(),
    );
    timer.unref();
  });
  try {
    return await Promise.race([readAll(body, limitBytes), overdue]);
  } catch (error) {
    body.cancel();
    throw ofBodyFailure(error);
  } finally {
    clearTimeout(timer);
  }
}

async function readAll(body: BodyReader, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const next = body.read();
    const chunk = next instanceof Promise ? await next : next;
    if (chunk === undefined) break;
    size += chunk.length;
    if (size > limitBytes) throw tooLarge(size, limitBytes, "caller");
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
}

/** The next chunk of a request's body, whose failures, at once or later, are those of calls. */
export function readChunk(body: BodyReader): Uint8Array | undefined | Promise<Uint8Array | undefined> {
  try {
    return body.read();
  } catch (error) {
    throw ofBodyFailure(error);
  }
}

/** What reading a request's body failed with, as a call fails: what the wire says is the caller's fault. */
export function ofBodyFailure(error: unknown): unknown {
  return error instanceof WireError ? ofWireError(error) : error;
}

/** A failure of the inbound wire while the request is still arriving. */
function ofWireError(error: WireError): CallError {
  switch (error.kind) {
    case "timeout":
      return new CallError("REQUEST_TIMEOUT", undefined, { source: "caller", cause: error });
    case "too-large":
      return new CallError("MESSAGE_TOO_LARGE", undefined, { source: "caller", cause: error });
    case "protocol":
      return new CallError("BAD_REQUEST", undefined, { source: "caller", cause: error });
    case "connect":
    case "refused":
    case "reset":
    case "closed":
      return callerLeft(error);
  }
}
