/**
 * One streaming call to an upstream of a protocol that puts messages into gRPC's envelopes: pumps request messages out, hands response messages
 * on as they are asked for.
 *
 * Back-pressure both ways: a request message is pulled only when the stream takes bytes, and flow-control credit for a response message is
 * given back only when the message is taken.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import { MessageStream } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { ClientStream, ResponseSink } from "../../wire/http-client.ts";
import type { WireError } from "../../wire/wire-error.ts";
import { errorOfRequest } from "./codec-failure.ts";
import { acceptedOf } from "./compression.ts";
import { compressedFlag, EnvelopeReader, envelopeBytes, envelopePrefix, type Envelope } from "./envelope.ts";
import { payloadOf } from "./message-body.ts";
import { errorOfUpstreamWire, ofOwnDeadline } from "./upstream-wire.ts";

/** The head of an answer that messages follow. */
export interface EnvelopedAnswerHead {
  readonly metadata: readonly string[];
  readonly encoding: string | undefined;
}

export abstract class EnvelopedCall implements ResponseSink {
  protected readonly call: Call;
  /** Body bytes behind a head that no messages follow. */
  protected strayBytes = 0;
  protected over = false;
  /** How it ended, once that is known. */
  protected status: Status | undefined;
  private readonly answers: Answers;
  private stream: ClientStream | undefined;
  private resolveReply!: (reply: Reply) => void;
  private rejectReply!: (error: CallError) => void;
  private resolveEnd!: (status: Status) => void;
  private readonly end: Promise<Status>;
  private replied = false;
  /** Set while the pump waits for room, so that an end wakes it. */
  private resume: (() => void) | undefined;

  constructor(call: Call, limitBytes: number) {
    this.call = call;
    this.end = new Promise((resolve) => (this.resolveEnd = resolve));
    this.answers = new Answers(call, limitBytes, this);
  }

  /** Opens the stream and begins to pump; resolves with the head of the answer. */
  start(open: (sink: ResponseSink) => ClientStream): Promise<Reply> {
    const reply = new Promise<Reply>((resolve, reject) => {
      this.resolveReply = resolve;
      this.rejectReply = reject;
    });
    this.stream = open(this);
    this.call.onCancel((error) => this.fail(error));
    void this.pump(this.stream);
    return reply;
  }

  /** What the head says; undefined where no messages follow it. */
  protected abstract readHead(httpStatus: number, headers: readonly string[]): EnvelopedAnswerHead | undefined;

  /** The wire has brought everything: the protocol settles the call. */
  protected abstract atEnd(trailers: readonly string[] | undefined): void;

  /** Takes the envelope that says how the call ended, in protocols that have one. False: it is a message. @throws CallError */
  takeEnd(_envelope: Envelope): boolean {
    return false;
  }

  onHead(httpStatus: number, headers: readonly string[]): void {
    const head = this.readHead(httpStatus, headers);
    if (head === undefined) return;
    this.replied = true;
    this.answers.encoding = head.encoding;
    const metadata = head.metadata.length === 0 ? Metadata.empty : Metadata.share(head.metadata);
    const encoding = acceptedOf(head.encoding, this.call.encoding.accept);
    this.resolveReply({ metadata, messages: this.answers, encoding, ended: undefined, end: this.end });
  }

  onData(chunk: Uint8Array): void {
    if (this.replied) {
      this.answers.push(chunk);
      return;
    }
    this.strayBytes += chunk.length;
    this.stream?.consumed(chunk.length);
  }

  onEnd(trailers: readonly string[] | undefined): void {
    this.stream = undefined;
    this.atEnd(trailers);
  }

  onError(error: WireError): void {
    this.stream = undefined;
    this.fail(this.call.cancelled ?? errorOfUpstreamWire(error, this.call.deadline.remainingMs(performance.now())));
  }

  /** The answers were taken up to here; the upstream may send as much again. */
  consumed(sizeBytes: number): void {
    this.stream?.consumed(sizeBytes);
  }

  /** Ends the call from our side: cancellation, or an answer nobody can read. */
  fail(error: CallError): void {
    if (this.over) return;
    this.stream?.cancel();
    this.stream = undefined;
    this.settle(statusOf(error));
  }

  /** The upstream's status; one that says that our own deadline passed has our reason. */
  protected withReason(status: Status): Status {
    const { error } = status;
    if (error === undefined) return status;
    const reasoned = ofOwnDeadline(error, this.call.deadline.remainingMs(performance.now()));
    return reasoned === error ? status : statusOf(reasoned);
  }

  /**
   * Nothing more will come. A status of the upstream comes after its messages; a failure of ours or of the wire does not wait for a slow reader.
   * @param drop what was not taken yet is not wanted
   */
  protected settle(status: Status, drop = status.error !== undefined && status.error.reason !== "UPSTREAM_STATUS"): void {
    if (this.over) return;
    this.over = true;
    this.call.messages.cancel();
    if (!this.replied) {
      if (status.code !== Code.OK)
        this.rejectReply(status.error ?? new CallError("UPSTREAM_STATUS", status.message, { code: status.code, source: "upstream" }));
      else this.resolveReply({ metadata: Metadata.empty, messages: this.answers, encoding: undefined, ended: undefined, end: this.end });
    }
    this.status = status;
    this.wake();
    this.answers.finish(drop);
  }

  /** The answers have been taken to the end or given up; only now is the outcome known. */
  conclude(brokenOff: boolean): void {
    const status = this.status ?? statusOf(new CallError("CALLER_CANCELLED"));
    const broken = brokenOff && status.code === Code.OK;
    this.resolveEnd(
      broken
        ? statusOf(new CallError("UPSTREAM_PROTOCOL", "the upstream's answer ended in the middle of a message", { source: "upstream" }))
        : status,
    );
  }

  private async pump(stream: ClientStream): Promise<void> {
    const { messages, method } = this.call;
    try {
      const { single } = messages;
      if (single !== undefined) {
        this.call.requestMessages++;
        send(stream, single, true);
        return;
      }
      for (;;) {
        const next = messages.next();
        const message = next instanceof Promise ? await next : next;
        if (this.over) return;
        if (message === undefined) break;
        this.call.requestMessages++;
        if (!send(stream, message, false)) await new Promise<void>((resolve) => (this.resume = stream.onDrain = resolve));
        if (this.over) return;
      }
      stream.end();
    } catch (error) {
      this.fail(this.call.cancelled ?? errorOfRequest(error, method));
    } finally {
      if (this.over) messages.cancel();
    }
  }

  /** Wakes a waiting pump, so that it sees the end. */
  private wake(): void {
    this.resume?.();
  }
}

function send(stream: ClientStream, message: Payload, end: boolean): boolean {
  const { compressed } = message;
  const bytes = compressed === undefined ? message.wireView() : compressed.bytes;
  return stream.write(bytes, end, envelopePrefix(compressed === undefined ? 0 : compressedFlag, bytes.length));
}

/** Response messages, waiting to be taken. Holds no more than the flow-control window. */
class Answers extends MessageStream {
  private readonly call: Call;
  private readonly limitBytes: number;
  private readonly owner: EnvelopedCall;
  private readonly reader: EnvelopeReader;
  encoding: string | undefined;
  private creditedBytes = 0;
  private done = false;
  private dropped = false;
  /** The envelope that says how it ended was taken. */
  private ended = false;
  private waiting: ((message: Payload | undefined) => void) | undefined;
  private waitingFailed: ((error: unknown) => void) | undefined;

  constructor(call: Call, limitBytes: number, owner: EnvelopedCall) {
    super();
    this.call = call;
    this.limitBytes = limitBytes;
    this.owner = owner;
    this.reader = new EnvelopeReader(limitBytes, "upstream");
  }

  push(chunk: Uint8Array): void {
    if (this.dropped) return;
    this.reader.push(chunk);
    const { waiting, waitingFailed } = this;
    if (waiting === undefined || waitingFailed === undefined) return;
    try {
      const message = this.take();
      if (message === undefined) return;
      this.waiting = this.waitingFailed = undefined;
      waiting(message);
    } catch (error) {
      this.waiting = this.waitingFailed = undefined;
      waitingFailed(error);
    }
  }

  next(): Payload | undefined | Promise<Payload | undefined> {
    if (this.dropped) return undefined;
    const message = this.take();
    if (message !== undefined) return message;
    if (this.done) {
      this.owner.conclude(this.reader.pendingBytes > 0);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      this.waiting = resolve;
      this.waitingFailed = reject;
    });
  }

  cancel(): void {
    if (this.dropped) return;
    this.dropped = true;
    if (this.done) this.owner.conclude(false);
    else this.owner.fail(this.call.cancelled ?? new CallError("CALLER_CANCELLED"));
  }

  /** No more will come. @param drop what waits is not wanted either. */
  finish(drop: boolean): void {
    this.done = true;
    this.dropped ||= drop;
    if (this.dropped) this.owner.conclude(false);
    const { waiting } = this;
    if (waiting === undefined) return;
    this.waiting = this.waitingFailed = undefined;
    if (!this.dropped) this.owner.conclude(this.reader.pendingBytes > 0);
    waiting(undefined);
  }

  private take(): Payload | undefined {
    try {
      for (;;) {
        const envelope = this.reader.take();
        if (envelope === undefined) {
          this.creditPart();
          return undefined;
        }
        const size = envelopeBytes + envelope.bytes.length;
        const early = Math.min(this.creditedBytes, size);
        this.creditedBytes -= early;
        if (size > early) this.owner.consumed(size - early);
        if (this.ended)
          throw new CallError("UPSTREAM_PROTOCOL", "the upstream sent more behind the end of its stream", { source: "upstream" });
        if (envelope.flags <= compressedFlag || !this.owner.takeEnd(envelope)) {
          this.call.responseMessages++;
          return payloadOf(this.call.method.output, envelope, this.encoding, this.limitBytes, "upstream");
        }
        this.ended = true;
      }
    } catch (error) {
      this.owner.fail(CallError.of(error));
      throw error;
    }
  }

  /** A message larger than the window could never arrive whole if its first part were not credited before it is taken. */
  private creditPart(): void {
    const part = this.reader.pendingBytes - this.creditedBytes;
    if (part <= 0) return;
    this.creditedBytes += part;
    this.owner.consumed(part);
  }
}
