/**
 * A server stream as an HTTP answer: each message written as it comes, at the pace of the reader.
 *
 * The trap: the head is held back until there is a first message or the end, so that an immediate failure has its real HTTP status.
 */
import type { Call } from "../../core/call.ts";
import type { CallError } from "../../core/call-error.ts";
import { CallError as Failure } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { Exchange } from "../../wire/exchange.ts";
import { errorOfAnswer } from "../shared/codec-failure.ts";
import { grpcTrailers } from "../shared/grpc-status.ts";
import { addAnswerHeaders } from "./headers.ts";
import type { StreamForm } from "./stream-form.ts";

const heartbeatMs = 15_000;

export interface StreamReplyOptions {
  readonly form: StreamForm;
  /** One message as JSON, valid until the next. */
  json(payload: Payload): Uint8Array;
  /** `google.rpc.Status` as JSON. */
  errorJson(error: CallError): string;
  /** Answers a failure that came before anything was written. */
  reject(error: CallError): void;
}

/** Writes the stream and says how the call ended. Never rejects. */
export async function writeStreamReply(reply: Reply, call: Call, x: Exchange, options: StreamReplyOptions): Promise<Status> {
  const { form } = options;
  const { messages } = reply;
  let index = 0;
  let started = false;
  let beat: NodeJS.Timeout | undefined;
  const start = (): void => {
    const headers = ["content-type", form.contentType];
    if (form.heartbeat !== undefined) headers.push("cache-control", "no-cache", "x-accel-buffering", "no");
    addAnswerHeaders(headers, reply.metadata, "");
    x.start(200, headers);
    if (form.begin !== "") x.write(Buffer.from(form.begin));
    if (form.heartbeat !== undefined) beat = setInterval(() => x.open && x.write(Buffer.from(form.heartbeat!)), heartbeatMs).unref();
    started = true;
  };
  let status: Status;
  try {
    for (;;) {
      const next = messages.next();
      const payload = next instanceof Promise ? await next : next;
      if (payload === undefined || !x.open) break;
      const json = options.json(payload);
      if (!started) start();
      call.responseBytes += json.length;
      const more = x.write(json, Buffer.from(form.before(index++), "latin1"));
      if (form.after !== "") x.write(Buffer.from(form.after, "latin1"));
      if (!more) await x.drained();
    }
    if (!x.open) messages.cancel();
    status = call.cancelled !== undefined ? statusOf(call.cancelled) : await reply.end;
  } catch (error) {
    messages.cancel();
    status = statusOf(call.cancelled ?? errorOfAnswer(error));
  }
  clearInterval(beat);
  if (!x.open) return status;
  const failed = status.code !== Code.OK;
  const error = failed
    ? (status.error ?? new Failure("UPSTREAM_STATUS", status.message, { code: status.code, source: "upstream" }))
    : undefined;
  if (!started && error !== undefined) {
    options.reject(error);
    return status;
  }
  if (!started) start();
  clearInterval(beat);
  if (error !== undefined) x.write(Buffer.from(form.failure(options.errorJson(error), index)));
  if (form.end !== "") x.write(Buffer.from(form.end));
  x.finish(x.head.acceptsTrailers ? grpcTrailers(status) : undefined);
  return status;
}
