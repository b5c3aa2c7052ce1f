/**
 * The answer of an HTTP server, pulled: a response sink on one side, messages on the other.
 *
 * What is not pulled is not credited to the server: that is the back-pressure. The trap: the status is known with the head, but how the call
 * ended only with the last byte, because an answer may break off.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import { MessageStream } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import { okStatus, statusOf, type Status } from "../../core/status.ts";
import type { ClientStream, ResponseSink } from "../../wire/http-client.ts";
import type { WireError } from "../../wire/wire-error.ts";
import { answeredFields, type AnsweredFields } from "../shared/http-fields.ts";
import { codeOfBackendStatus } from "../shared/http-status.ts";
import { errorOfUpstreamWire } from "../shared/upstream-wire.ts";
import { HttpAnswerSlot } from "./http-call.ts";

/** A server's answers often have the same head, which then is the same list, and frozen. */
const lastAnswered = new IdentityCache<readonly string[], AnsweredFields>(16);

function readAnswered(headers: readonly string[]): AnsweredFields {
  const fields = answeredFields(headers);
  return Object.isFrozen(headers) ? lastAnswered.set(headers, fields) : fields;
}

export class UpstreamAnswer extends MessageStream implements ResponseSink, Reply {
  readonly reply: Promise<Reply>;
  metadata: Metadata = Metadata.empty;
  readonly encoding: undefined = undefined;
  private readonly call: Call;
  private resolveReply!: (reply: Reply) => void;
  private rejectReply!: (error: CallError) => void;
  private status: Status | undefined;
  private waitingForEnd: PromiseWithResolvers<Status> | undefined;
  private stream: ClientStream | undefined;
  private httpStatus = 0;
  private chunks: Uint8Array[] = [];
  private waiting: PromiseWithResolvers<Payload | undefined> | undefined;
  private trailers: readonly string[] | undefined;
  private hasEnded = false;
  private error: CallError | undefined;
  /** Set while the request's body waits for room. */
  private resume: (() => void) | undefined;

  constructor(call: Call) {
    super();
    this.call = call;
    this.reply = new Promise((resolve, reject) => {
      this.resolveReply = resolve;
      this.rejectReply = reject;
    });
    call.onCancel((error) => this.fail(error));
  }

  /** The request is under way. */
  begin(stream: ClientStream): void {
    if (this.isOver) stream.cancel();
    else this.stream = stream;
  }

  /** Nothing more will come, or is wanted: nor is the rest of the request. */
  get isOver(): boolean {
    return this.hasEnded || this.error !== undefined;
  }

  /** Settles when `stream` has room again, or the answer is over. */
  roomFor(stream: ClientStream): Promise<void> {
    return new Promise((resolve) => (this.resume = stream.onDrain = resolve));
  }

  // -- ResponseSink -----------------------------------------------------------------------------------------------------------------

  onHead(status: number, headers: readonly string[]): void {
    const { fields, contentLength } = lastAnswered.get(headers) ?? readAnswered(headers);
    this.httpStatus = this.call.httpStatus = status;
    this.call.slots.set(HttpAnswerSlot, { status, contentLength });
    this.metadata = Metadata.share(fields);
    this.resolveReply(this);
  }

  onData(chunk: Uint8Array): void {
    const { waiting } = this;
    if (waiting === undefined) {
      this.chunks.push(chunk);
      return;
    }
    this.waiting = undefined;
    waiting.resolve(this.taken(chunk));
  }

  onEnd(trailers: readonly string[] | undefined): void {
    this.trailers = trailers;
    this.stream = undefined;
    this.hasEnded = true;
    if (this.waiting !== undefined) this.conclude();
    this.waiting?.resolve(undefined);
    this.leaveRequest();
  }

  onError(error: WireError): void {
    this.stream = undefined;
    this.fail(this.call.cancelled ?? errorOfUpstreamWire(error, this.call.deadline.remainingMs(performance.now())));
  }

  // -- Reply ------------------------------------------------------------------------------------------------------------------------

  get messages(): this {
    return this;
  }

  /** Known before anything was pulled when the answer came in one read, as small ones do. */
  get ended(): Status | undefined {
    if (this.hasEnded && this.error === undefined && this.chunks.length <= 1) this.conclude();
    return this.status;
  }

  get end(): Promise<Status> {
    if (this.status !== undefined) return Promise.resolve(this.status);
    return (this.waitingForEnd ??= Promise.withResolvers<Status>()).promise;
  }

  // -- Messages ---------------------------------------------------------------------------------------------------------------------

  next(): Payload | undefined | Promise<Payload | undefined> {
    const chunk = this.chunks.shift();
    if (chunk !== undefined) return this.taken(chunk);
    if (this.error !== undefined) throw this.error;
    if (!this.hasEnded) return (this.waiting = Promise.withResolvers<Payload | undefined>()).promise;
    this.conclude();
    return undefined;
  }

  cancel(): void {
    this.fail(new CallError("CALLER_CANCELLED", undefined, { source: "caller" }));
  }

  /** Ends the exchange from our side. Whoever waits, and whoever asks next, fails with `error`. */
  fail(error: CallError): void {
    if (this.error !== undefined) return;
    this.stream?.cancel();
    this.stream = undefined;
    if (this.hasEnded && this.chunks.length === 0) {
      this.conclude();
      return;
    }
    this.error = error;
    this.rejectReply(error);
    this.settleEnd(statusOf(error));
    this.waiting?.reject(error);
    this.waiting = undefined;
    this.leaveRequest();
  }

  private taken(chunk: Uint8Array): Payload {
    this.stream?.consumed(chunk.length);
    return Payload.ofWire(this.call.method.output, chunk);
  }

  private conclude(): void {
    if (this.status !== undefined) return;
    const trailers = this.trailers === undefined ? Metadata.empty : Metadata.share(answeredFields(this.trailers).fields);
    if (this.httpStatus < 400) {
      this.settleEnd(okStatus(trailers));
      return;
    }
    const message = `the service answered HTTP ${this.httpStatus}`;
    const code = codeOfBackendStatus(this.httpStatus);
    this.settleEnd(
      statusOf(new CallError("UPSTREAM_STATUS", message, { code, source: "upstream", httpStatus: this.httpStatus, trailers })),
    );
  }

  private settleEnd(end: Status): void {
    if (this.status !== undefined) return;
    this.status = end;
    this.waitingForEnd?.resolve(end);
  }

  private leaveRequest(): void {
    this.call.messages.cancel();
    this.resume?.();
  }
}
