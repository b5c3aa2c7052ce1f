/**
 * A server stream as an HTTP answer: each message written as it comes, at the pace of the reader.
 *
 * The trap: the head is held back until there is a first message or the end, so that an immediate failure has its real HTTP status.
 */
import type { Call } from "../../core/call.ts";
import { Code } from "../../core/code.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import { okStatus, statusOf, type Status } from "../../core/status.ts";
import type { Binder } from "../../schema/binding/binder.ts";
import type { Exchange } from "../../wire/exchange.ts";
import type { Catalogue } from "../protocol.ts";
import { errorOfAnswer } from "../shared/codec-failure.ts";
import { grpcTrailers } from "../shared/grpc-status.ts";
import { acceptedEncoding, StreamEncoder } from "./content-encoding.ts";
import { errorJson, errorOfStatus, writeError } from "./errors.ts";
import { addAnswerHeaders, isBodiless, requestedStatus, safeContentType } from "./headers.ts";
import { mustStay } from "./single-answer.ts";
import { rawForm, streamFormOf, type StreamForm } from "./stream-form.ts";

const heartbeatMs = 15_000;
const noBytes = Buffer.alloc(0);
/** Larger records are put together on their own, so that one large message is not kept as long as the stream. */
const keptRecordBytes = 64 << 10;
/** RFC 9113, section 7. */
const internalError = 2;

/** Writes the stream and says how the call ended. Never rejects. */
export async function writeStream(reply: Reply, call: Call, x: Exchange, shape: Binder | undefined, catalogue: Catalogue): Promise<Status> {
  const { messages } = reply;
  const form = shape?.rawResponse === true ? rawForm : streamFormOf(x.head.headers.get("accept"));
  const answer = new StreamAnswer(x, form, shape);
  let status: Status;
  try {
    for (;;) {
      const next = messages.next();
      const payload = next instanceof Promise ? await next : next;
      if (payload === undefined || !x.open) break;
      const written = answer.write(payload, reply, call);
      if (written !== true) await (written === false ? x.drained() : written);
      if (answer.headOnly) return answer.leave(reply);
    }
    if (!x.open) messages.cancel();
    status = call.cancelled !== undefined ? statusOf(call.cancelled) : await reply.end;
  } catch (error) {
    messages.cancel();
    status = statusOf(call.cancelled ?? errorOfAnswer(error));
  }
  answer.stopBeating();
  if (!x.open) answer.destroy();
  else if (!answer.started && status.code !== Code.OK) writeError(errorOfStatus(status), x, catalogue);
  else await answer.end(status, reply, catalogue);
  return status;
}

class StreamAnswer {
  private readonly x: Exchange;
  private readonly form: StreamForm;
  private readonly shape: Binder | undefined;
  private encoder: StreamEncoder | undefined;
  private beat: NodeJS.Timeout | undefined;
  private index = 0;
  private scratch: Buffer = noBytes;
  started = false;
  /** Nothing but the head will be written: HEAD, or a status that goes without a body. */
  headOnly = false;

  constructor(x: Exchange, form: StreamForm, shape: Binder | undefined) {
    this.x = x;
    this.form = form;
    this.shape = shape;
  }

  /** @returns true: go on; false: wait for the exchange to drain; a promise: wait for it. @throws CodecError */
  write(payload: Payload, reply: Reply, call: Call): boolean | Promise<void> {
    const { form, shape, x } = this;
    let bytes: Uint8Array;
    if (form === rawForm) {
      const { contentType, data } = shape!.responseBody(payload);
      if (!this.started) this.start(reply, safeContentType(contentType));
      bytes = data;
    } else {
      bytes = shape === undefined ? payload.jsonView() : shape.responseJson(payload);
      if (!this.started) this.start(reply, form.contentType);
    }
    if (this.headOnly) return true;
    call.responseBytes += bytes.length;
    const record = this.record(form.before(this.index++), bytes, form.after);
    return this.encoder === undefined ? x.write(record) : this.encoded(Buffer.from(record));
  }

  /** Bytes with what stands around them, in one piece: a second write would cost a frame of its own. Valid until the next. */
  private record(before: string, bytes: Uint8Array, after: string): Uint8Array {
    if (before === "" && after === "") return bytes;
    const size = before.length + bytes.length + after.length;
    if (size > this.scratch.length) {
      if (size > keptRecordBytes) return Buffer.concat([Buffer.from(before, "latin1"), bytes, Buffer.from(after, "latin1")]);
      this.scratch = Buffer.allocUnsafeSlow(Math.min(size * 2, keptRecordBytes));
    }
    const { scratch } = this;
    scratch.write(before, 0, "latin1");
    scratch.set(bytes, before.length);
    scratch.write(after, before.length + bytes.length, "latin1");
    return scratch.subarray(0, size);
  }

  async end(status: Status, reply: Reply, catalogue: Catalogue): Promise<void> {
    const { form, x } = this;
    if (!this.started) this.start(reply, form.contentType);
    const trailers = x.head.acceptsTrailers ? grpcTrailers(status) : undefined;
    if (this.headOnly) return x.finish(trailers);
    let tail = form.end;
    if (status.code !== Code.OK) {
      const failure = form.failure(errorJson(errorOfStatus(status), catalogue), this.index);
      // A body that just stopped would look whole, unless trailers say what happened.
      if (failure === undefined && trailers === undefined) return x.abort(internalError);
      tail = (failure ?? "") + tail;
    }
    if (tail !== "") {
      if (this.encoder === undefined) x.write(Buffer.from(tail));
      else await this.encoder.write(Buffer.from(tail));
    }
    await this.encoder?.finish();
    x.finish(trailers);
  }

  /** The head was all that was wanted. */
  leave(reply: Reply): Status {
    this.stopBeating();
    reply.messages.cancel();
    this.x.finish();
    return okStatus();
  }

  stopBeating(): void {
    clearInterval(this.beat);
  }

  destroy(): void {
    this.encoder?.destroy();
  }

  private start(reply: Reply, contentType: string): void {
    const { form, x } = this;
    const { metadata } = reply;
    this.started = true;
    const status = requestedStatus(metadata);
    const bodiless = isBodiless(status);
    const headers = bodiless ? [] : ["content-type", contentType];
    if (form.heartbeat !== undefined) headers.push("cache-control", "no-cache", "x-accel-buffering", "no");
    this.headOnly = bodiless || x.head.method === "HEAD";
    const encoding =
      form === rawForm || this.headOnly || mustStay(metadata) ? undefined : acceptedEncoding(x.head.headers.get("accept-encoding"), true);
    if (encoding !== undefined) headers.push("vary", "accept-encoding", "content-encoding", encoding.name);
    addAnswerHeaders(headers, metadata, "");
    x.start(status, headers);
    if (this.headOnly) return;
    if (encoding !== undefined) this.encoder = new StreamEncoder(encoding, (bytes) => void x.write(bytes));
    if (form.begin !== "") {
      if (this.encoder === undefined) x.write(Buffer.from(form.begin));
      else void this.encoder.write(Buffer.from(form.begin));
    }
    if (form.heartbeat !== undefined) this.beat = setInterval(() => this.heartbeat(Buffer.from(form.heartbeat!)), heartbeatMs).unref();
  }

  private heartbeat(bytes: Uint8Array): void {
    if (!this.x.open) return;
    if (this.encoder === undefined) this.x.write(bytes);
    else void this.encoder.write(bytes);
  }

  /** Compressed bytes go to the exchange as they come out; the next message waits until it has taken them. */
  private async encoded(bytes: Uint8Array): Promise<void> {
    await this.encoder!.write(bytes);
    await this.x.drained();
  }
}
