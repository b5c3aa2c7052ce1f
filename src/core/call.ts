/**
 * One call, whatever protocol it came in by: what every policy sees, and all it sees.
 *
 * The trap: a call ends exactly once, by {@link Call.finish}, which the inbound side alone invokes. Layers that want to know how it ended
 * register `onEnd`; layers that want it to end early call {@link Call.cancel}, and the transport that is at work on it hears by `onCancel`.
 */
import type { CallError } from "./call-error.ts";
import { CallError as CallFailure } from "./call-error.ts";
import type { Caller } from "./caller.ts";
import type { Deadline } from "./deadline.ts";
import type { Host, HostGate } from "./host.ts";
import type { Messages } from "./messages.ts";
import type { Metadata } from "./metadata.ts";
import type { HttpBinding, Method } from "./method.ts";
import { Slots } from "./slots.ts";
import type { Status } from "./status.ts";

/** Told once, synchronously, when the call is over. `durationMs` counts from the arrival of the headers. */
export type EndObserver = (call: Call, end: Status, durationMs: number) => void;
export type CancelObserver = (error: CallError) => void;

/** Message compression the inbound side speaks, so that compressed messages can cross untouched. */
export interface MessageEncoding {
  /** Encoding the request's messages may be compressed with; undefined for identity. */
  readonly request: string | undefined;
  /** Encodings the caller takes in answers, comma-separated as in `grpc-accept-encoding`; undefined for identity only. */
  readonly accept: string | undefined;
}

export const identityEncoding: MessageEncoding = Object.freeze({ request: undefined, accept: undefined });

let lastId = 0;

export class Call {
  readonly method: Method;
  readonly caller: Caller;
  readonly metadata: Metadata;
  /** What may be sent again puts a replay of them in their place. */
  messages: Messages;
  readonly deadline: Deadline;
  /** Monotonic milliseconds at which the request's headers arrived. */
  readonly arrivedAtMs: number;
  encoding: MessageEncoding = identityEncoding;
  /** Fields that go to the next hop beside the metadata: what differs from call to call stays out of a list that comes again as it is. */
  hopFields: readonly string[] | undefined = undefined;
  /** 1 for the first try. */
  attempt = 1;
  /** The call that this is an attempt of, where it has attempts of their own; only that one is tried again, and only that one ends. */
  origin: Call | undefined = undefined;
  /** Where this attempt went, once it has gone. */
  host: Host | undefined = undefined;
  /** Asked which hosts this attempt may go to. */
  gate: HostGate | undefined = undefined;
  /** Hosts of earlier attempts: not again while there are others. */
  tried: readonly Host[] | undefined = undefined;
  /** The REST binding the request came by, for those who tell of the call. */
  binding: HttpBinding | undefined = undefined;
  /** The HTTP status it was answered with, where that is not what its code stands for; 0 for that. */
  httpStatus = 0;
  /** Bytes of request and response messages that crossed the inbound side, for metrics and log. */
  requestBytes = 0;
  responseBytes = 0;
  /** Messages of a stream that went to the upstream and came from it; a unary call has one of each and does not count them. */
  requestMessages = 0;
  responseMessages = 0;

  /** Counts the calls of the process: what {@link id} is made of. */
  readonly number: number;
  private slotValues: Slots | undefined;
  private end0: EndObserver | undefined;
  private end1: EndObserver | undefined;
  private end2: EndObserver | undefined;
  private endMore: EndObserver[] | undefined;
  private over = false;
  private cancelObserver: CancelObserver | undefined;
  private cancelMore: CancelObserver[] | undefined;
  private cancelError: CallError | undefined;
  private controller: AbortController | undefined;

  constructor(
    method: Method,
    caller: Caller,
    metadata: Metadata,
    messages: Messages,
    deadline: Deadline,
    arrivedAtMs: number,
    number?: number,
  ) {
    this.method = method;
    this.caller = caller;
    this.metadata = metadata;
    this.messages = messages;
    this.deadline = deadline;
    this.arrivedAtMs = arrivedAtMs;
    this.number = number ?? ++lastId;
  }

  /** Unique within the process; made into text only when somebody reads it. */
  get id(): string {
    return this.number.toString(36);
  }

  /** Whether anybody has asked for {@link slots}: reading an empty set costs making it. */
  get hasSlots(): boolean {
    return this.slotValues !== undefined;
  }

  get slots(): Slots {
    return (this.slotValues ??= new Slots());
  }

  /** For code that takes an AbortSignal; costs microseconds, so the hot path uses {@link onCancel}. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      const controller = (this.controller = new AbortController());
      if (this.cancelError !== undefined) controller.abort(this.cancelError);
      else this.onCancel((error) => controller.abort(error));
    }
    return this.controller.signal;
  }

  /** The error the call was cancelled with, if it was. */
  get cancelled(): CallError | undefined {
    return this.cancelError;
  }

  /** The same call tries again, now that its attempt has failed: elsewhere, if there is an elsewhere. */
  nextAttempt(): void {
    const { host } = this;
    if (host !== undefined) this.tried = this.tried === undefined ? [host] : [...this.tried, host];
    this.host = undefined;
    this.httpStatus = 0;
    this.attempt++;
  }

  /**
   * An attempt that can be given up by itself: what the call is made of is shared, its cancelling and its host are its own. It ends with the
   * call at the latest.
   */
  branch(deadline: Deadline = this.deadline): Call {
    const { method, caller, metadata, messages, arrivedAtMs, number } = this;
    const branch = new Call(method, caller, metadata, messages, deadline, arrivedAtMs, number);
    branch.encoding = this.encoding;
    branch.hopFields = this.hopFields;
    branch.attempt = this.attempt;
    branch.gate = this.gate;
    branch.tried = this.tried;
    branch.binding = this.binding;
    branch.slotValues = this.slots;
    branch.origin = this;
    this.onCancel((error) => branch.cancel(error));
    return branch;
  }

  onEnd(observer: EndObserver): void {
    if (this.end0 === undefined) this.end0 = observer;
    else if (this.end1 === undefined) this.end1 = observer;
    else if (this.end2 === undefined) this.end2 = observer;
    else (this.endMore ??= []).push(observer);
  }

  /** Hears, at most once, that the call must stop; at once if it has been cancelled already. */
  onCancel(observer: CancelObserver): void {
    if (this.cancelError !== undefined) observer(this.cancelError);
    else if (this.cancelObserver === undefined) this.cancelObserver = observer;
    else (this.cancelMore ??= []).push(observer);
  }

  /** Ends the work on this call early: the caller left, or the deadline passed. Without effect once it is over. */
  cancel(error: CallError): void {
    if (this.over || this.cancelError !== undefined) return;
    this.cancelError = error;
    const { cancelObserver, cancelMore } = this;
    this.cancelObserver = this.cancelMore = undefined;
    cancelObserver?.(error);
    if (cancelMore !== undefined) for (const observer of cancelMore) observer(error);
  }

  get isOver(): boolean {
    return this.over;
  }

  /** Says how the call ended; only the inbound side calls this, and only the first time counts. */
  finish(end: Status, nowMs: number = performance.now()): void {
    if (this.over) return;
    this.over = true;
    const durationMs = nowMs - this.arrivedAtMs;
    this.cancelObserver = this.cancelMore = undefined;
    if (this.end0 !== undefined) this.end0(this, end, durationMs);
    if (this.end1 !== undefined) this.end1(this, end, durationMs);
    if (this.end2 !== undefined) this.end2(this, end, durationMs);
    if (this.endMore !== undefined) for (const observer of this.endMore) observer(this, end, durationMs);
  }

  /** Fails with the error the call was cancelled with, if it was. */
  throwIfCancelled(): void {
    if (this.cancelError !== undefined) throw this.cancelError;
  }
}

/** The error for a caller that went away. */
export function callerLeft(cause?: unknown): CallError {
  return new CallFailure("CALLER_CANCELLED", undefined, { source: "caller", cause });
}
