/**
 * The one error a call can fail with, whoever made it: caller, proxy or upstream.
 *
 * `message` goes to the caller, so it never holds a stack, a parser's words or an address; `cause` goes to logs and spans only.
 */
import { codeName, type Code } from "./code.ts";
import { Metadata } from "./metadata.ts";
import { reasons, type Reason, type RetrySafety } from "./reasons.ts";

export type ErrorSource = "caller" | "proxy" | "upstream";

/** One `google.protobuf.Any` of `google.rpc.Status.details`. */
export interface ErrorDetail {
  /** "type.googleapis.com/google.rpc.BadRequest" */
  readonly typeUrl: string;
  /** The message's protobuf bytes. */
  readonly value: Uint8Array;
}

/** `google.rpc.BadRequest.FieldViolation`: which field of the request is wrong, and how. */
export interface FieldViolation {
  /** Path in the request message: `order.items[2].sku`. */
  readonly field: string;
  readonly description: string;
}

export interface CallErrorOptions {
  /** Overrides the reason's code: an upstream's own status. */
  readonly code?: Code;
  readonly source?: ErrorSource;
  readonly retry?: RetrySafety;
  /** Overrides the reason's HTTP status. */
  readonly httpStatus?: number;
  /** Details as the upstream sent them; ours are made from reason and violations. */
  readonly details?: readonly ErrorDetail[];
  readonly violations?: readonly FieldViolation[];
  /** Response headers the refusal must carry (`allow`, `retry-after`, `www-authenticate`). */
  readonly headers?: readonly string[];
  /** Initial metadata the upstream sent before it failed; undefined when it sent none apart from the status. */
  readonly metadata?: Metadata | undefined;
  /** Trailers the upstream sent with its status. */
  readonly trailers?: Metadata;
  readonly cause?: unknown;
}

export class CallError extends Error {
  override readonly name = "CallError";
  readonly code: Code;
  readonly reason: Reason;
  readonly source: ErrorSource;
  readonly retry: RetrySafety;
  readonly httpStatus: number | undefined;
  readonly details: readonly ErrorDetail[];
  readonly violations: readonly FieldViolation[];
  readonly headers: readonly string[];
  readonly metadata: Metadata | undefined;
  readonly trailers: Metadata;

  constructor(reason: Reason, message?: string, options: CallErrorOptions = {}) {
    // A refusal is an answer, not a crash: its stack would cost microseconds and say nothing.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message ?? reasons[reason].summary, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = stackTraceLimit;
    const entry = reasons[reason];
    this.reason = reason;
    this.code = options.code ?? entry.code;
    this.source = options.source ?? "proxy";
    this.retry = options.retry ?? entry.retry;
    this.httpStatus = options.httpStatus ?? (options.code === undefined ? entry.httpStatus : undefined);
    this.details = options.details ?? [];
    this.violations = options.violations ?? [];
    this.headers = options.headers ?? [];
    this.metadata = options.metadata;
    this.trailers = options.trailers ?? Metadata.empty;
  }

  override toString(): string {
    return `${codeName(this.code)} ${this.reason}: ${this.message}`;
  }

  /** What was thrown, as a CallError: an unknown throw is our own fault, and its text stays in the log. */
  static of(thrown: unknown): CallError {
    return thrown instanceof CallError ? thrown : new CallError("INTERNAL", undefined, { cause: thrown });
  }
}
