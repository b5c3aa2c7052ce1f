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
import { defaultBinding } from "../../schema/binding/binding-options.ts";
import type { EventFields } from "../../schema/binding/event-fields.ts";
import type { Exchange } from "../../wire/exchange.ts";
import type { Catalogue } from "../protocol.ts";
import { errorOfAnswer } from "../shared/codec-failure.ts";
import { errorJson, errorOfStatus } from "../shared/error-json.ts";
import { grpcTrailers } from "../shared/grpc-status.ts";
import { acceptedEncoding, StreamEncoder } from "./content-encoding.ts";
import { writeError } from "./errors.ts";
import { addAnswerHeaders, isBodiless, profileVary, requestedStatus, safeContentType } from "./headers.ts";
import { mustStay } from "./single-answer.ts";
import { eventForm, rawForm, streamFormOf, type StreamForm } from "./stream-form.ts";

const noBytes = Buffer.alloc(0);
/** Larger records are put together on their own, so that one large message is not kept as long as the stream. */
const keptRecordBytes = 64 << 10;
/** RFC 9113, section 7. */
const internalError = 2;
const noContent = 204;

/** Writes the stream and says how the call ended. Never rejects. */
export async function writeStream(reply: Reply, call: Call, x: Exchange, shape: Binder | undefined, catalogue: Catalogue): Promise<Status> {
  const { messages } = reply;
  const form =
    shape?.rawResponse === true ? rawForm : streamFormOf(x.head.headers.get("accept"), shape?.streamForm ?? defaultBinding.streamForm);
  const answer = new StreamAnswer(x, form, shape);
  answer.beat(reply);
  let status: Status;
  try {
    for (;;) {
      const next = messages.next();
      const payload = next instanceof Promise ? await next : next;
      if (payload === undefined || !x.open) break;
      const written = answer.write(payload, reply, call);
      if (written !== true) {
        answer.stuck = true;
        await (written === false ? x.drained() : written);
        answer.stuck = false;
      }
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
  else if (!answer.started && status.code !== Code.OK) writeError(errorOfStatus(status), x, catalogue, reply.metadata);
  else await answer.end(status, reply, catalogue);
  return status;
}

class StreamAnswer {
  private readonly x: Exchange;
  private readonly form: StreamForm;
  private readonly shape: Binder | undefined;
  /** Set where events are not simply numbered. */
  private readonly fields: EventFields | undefined;
  private encoder: StreamEncoder | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Nothing was written since the last beat. */
  private quiet = true;
  private index = 0;
  private scratch: Buffer = noBytes;
  started = false;
  /** What was written waits for the reader. */
  stuck = false;
  /** Nothing but the head will be written: HEAD, or a status that goes without a body. */
  headOnly = false;

  constructor(x: Exchange, form: StreamForm, shape: Binder | undefined) {
    this.x = x;
    this.form = form;
    this.shape = shape;
    if (form === eventForm) this.fields = shape?.events;
  }

  /** Says that nothing happens as long as nothing does. A stream that is quiet from its start begins by that. */
  beat(reply: Reply): void {
    const { heartbeat } = this.form;
    if (heartbeat === undefined) return;
    const heartbeatMs = this.shape?.eventOptions.heartbeatMs ?? defaultBinding.events.heartbeatMs;
    this.timer = setInterval(() => {
      if (this.quiet && this.x.open) this.sayNothing(reply, heartbeat);
      this.quiet = true;
    }, heartbeatMs).unref();
  }

  /** @returns true: go on; false: wait for the exchange to drain; a promise: wait for it. @throws CodecError */
  write(payload: Payload, reply: Reply, call: Call): boolean | Promise<void> {
    const { form, shape, x } = this;
    // Before the JSON, which is a view of the memory that this uses too.
    const before = this.fields === undefined ? undefined : form.beforeEvent!(this.eventId(this.fields, payload));
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
    this.quiet = false;
    const record = this.record(before ?? form.before(this.index++), bytes, form.after);
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
    if (!this.started) this.start(reply, form.contentType, this.isOver() ? noContent : undefined);
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

  /** An EventSource that comes back and finds nothing more is told to stay away (WHATWG HTML): else it would ask for ever. */
  private isOver(): boolean {
    return this.form === eventForm && this.x.head.headers.get("last-event-id") !== undefined;
  }

  /** The head was all that was wanted. */
  leave(reply: Reply): Status {
    this.stopBeating();
    reply.messages.cancel();
    this.x.finish();
    return okStatus();
  }

  stopBeating(): void {
    clearInterval(this.timer);
  }

  destroy(): void {
    this.encoder?.destroy();
  }

  private start(reply: Reply, contentType: string, status = requestedStatus(reply.metadata)): void {
    const { form, x } = this;
    const { metadata } = reply;
    this.started = true;
    const bodiless = isBodiless(status);
    const headers = bodiless ? [] : ["content-type", contentType];
    if (this.shape?.hasProfiles === true) headers.push("vary", profileVary);
    if (form.heartbeat !== undefined) headers.push("cache-control", "no-cache", "x-accel-buffering", "no");
    this.headOnly = bodiless || x.head.method === "HEAD";
    const encoding =
      form === rawForm || this.headOnly || mustStay(metadata) ? undefined : acceptedEncoding(x.head.headers.get("accept-encoding"), true);
    if (encoding !== undefined) headers.push("vary", "accept-encoding", "content-encoding", encoding.name);
    addAnswerHeaders(headers, metadata, "");
    x.start(status, headers);
    if (this.headOnly) return;
    if (encoding !== undefined) this.encoder = new StreamEncoder(encoding, (bytes) => void x.write(bytes));
    const begin = this.opening;
    if (begin !== "") {
      if (this.encoder === undefined) x.write(Buffer.from(begin));
      else void this.encoder.write(Buffer.from(begin));
    }
  }

  private sayNothing(reply: Reply, heartbeat: string): void {
    if (!this.started) this.start(reply, this.form.contentType);
    // A reader that has not taken what there is needs no more; a status without a body has room for none.
    if (this.headOnly || this.stuck) return;
    const bytes = Buffer.from(heartbeat);
    if (this.encoder === undefined) this.x.write(bytes);
    else void this.encoder.write(bytes);
  }

  private eventId(fields: EventFields, payload: Payload): string | undefined {
    const id = fields.idOf(payload, String(this.index++));
    // Records are put together as bytes; so is this.
    return id === undefined ? undefined : Buffer.from(id, "utf8").toString("latin1");
  }

  /** `retry:` stands before all events. */
  private get opening(): string {
    const retryMs = this.form === eventForm ? this.shape?.eventOptions.retryMs : undefined;
    return retryMs === undefined ? this.form.begin : `retry: ${retryMs}\n\n`;
  }

  /** Compressed bytes go to the exchange as they come out; the next message waits until it has taken them. */
  private async encoded(bytes: Uint8Array): Promise<void> {
    await this.encoder!.write(bytes);
    await this.x.drained();
  }
}
