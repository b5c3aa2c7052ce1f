/**
 * Streaming Connect answers: envelopes, then one `EndStreamResponse` as JSON with flag bit 1 (connectrpc.com/docs/protocol,
 * "Streaming-Response").
 *
 * The trap: HTTP status is always 200 and HTTP trailers are never used; whatever happens is said by the last message, which must come.
 */
import type { CallError } from "../../core/call-error.ts";
import { Metadata } from "../../core/metadata.ts";
import { statusOf, type Status } from "../../core/status.ts";
import { Code } from "../../core/code.ts";
import { CallError as Failure } from "../../core/call-error.ts";
import type { Exchange } from "../../wire/exchange.ts";
import { envelopePrefix } from "../shared/envelope.ts";
import type { MessageForm } from "../shared/enveloped-reply.ts";
import { endStreamFlag } from "./end-of-stream.ts";
import { connectError } from "./errors.ts";

/** Begins the answer. */
export function startStream(x: Exchange, form: MessageForm, metadata: Metadata, encoding: string | undefined): void {
  const headers = ["content-type", form === "wire" ? "application/connect+proto" : "application/connect+json"];
  if (encoding !== undefined) headers.push("connect-content-encoding", encoding);
  x.start(200, headers.concat(metadata.flat));
}

/** Says how the stream ended, and ends it. */
export function endStream(x: Exchange, status: Status, plain: boolean | undefined): void {
  if (!x.open) return;
  const error =
    status.code === Code.OK ? undefined : (status.error ?? new Failure("UPSTREAM_STATUS", status.message, { code: status.code }));
  const end = Buffer.from(
    JSON.stringify({ ...(error === undefined ? {} : { error: connectError(error, plain) }), ...metadataField(status.trailers) }),
  );
  x.write(end, envelopePrefix(endStreamFlag, end.length));
  x.finish();
}

/** A failure before anything was written. */
export function rejectStream(x: Exchange, form: MessageForm, error: CallError, plain: boolean | undefined): void {
  startStream(x, form, error.metadata ?? Metadata.empty, undefined);
  endStream(x, statusOf(error), plain);
}

function metadataField(trailers: Metadata): object {
  if (trailers.size === 0) return {};
  const metadata: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of trailers) (metadata[name] ??= []).push(value);
  return { metadata };
}
