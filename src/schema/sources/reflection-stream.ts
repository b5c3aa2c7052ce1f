/**
 * One ServerReflectionInfo call over a core Handler: requests are sent ahead within a window, answers come in the order of the questions.
 *
 * The trap: a server may answer with nothing (hang), with the wrong number of answers, or end early; every wait here ends with the call's deadline.
 */
import { Call, callerLeft } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Clock, Timer } from "../../core/clock.ts";
import { Code } from "../../core/code.ts";
import { Deadline } from "../../core/deadline.ts";
import type { Handler } from "../../core/handler.ts";
import type { MessageType } from "../../core/message-type.ts";
import { MessageStream } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Method } from "../../core/method.ts";
import { Payload } from "../../core/payload.ts";
import { okStatus, statusOf } from "../../core/status.ts";
import { readReflectionResponse, writeReflectionRequest, type ReflectionRequest, type ReflectionResponse } from "./reflection-messages.ts";

export type ReflectionVersion = "v1" | "v1alpha";

/** Questions under way at once: enough to hide the round trip, few enough for a server that answers one by one. */
const windowSize = 16;

const caller = { address: "", protocol: "reflection", secure: false } as const;

export class ReflectionStream {
  private readonly call: Call;
  private readonly requests = new RequestStream();
  private readonly handler: Handler;
  private readonly type: MessageType;
  private readonly failed: Promise<never>;
  private fail: (error: CallError) => void = () => undefined;
  private readonly timer: Timer;
  private readonly signal: AbortSignal;
  private readonly onAbort = (): void => this.cancel(callerLeft());
  private replies: AsyncIterator<Payload> | undefined;
  private end: Promise<unknown> | undefined;

  constructor(handler: Handler, version: ReflectionVersion, clock: Clock, deadlineMs: number, signal: AbortSignal) {
    const service = `grpc.reflection.${version}.ServerReflection`;
    const method = reflectionMethod(service);
    this.type = method.input;
    this.handler = handler;
    const now = clock.nowMs();
    this.call = new Call(method, caller, new Metadata(), this.requests, new Deadline(now + deadlineMs), now);
    this.failed = new Promise((_resolve, reject) => (this.fail = reject));
    // The failure may come while nobody waits; whoever asks next gets it.
    this.failed.catch(() => undefined);
    this.timer = clock.after(deadlineMs, () => this.cancel(new CallError("DEADLINE_EXCEEDED")));
    this.signal = signal;
    signal.addEventListener("abort", this.onAbort, { once: true });
    if (signal.aborted) this.onAbort();
  }

  /**
   * The answers to the questions, in their order.
   * @throws CallError when the call fails; SchemaError when an answer cannot be read.
   */
  async ask(questions: readonly ReflectionRequest[]): Promise<ReflectionResponse[]> {
    const answers: ReflectionResponse[] = [];
    let sent = 0;
    while (answers.length < questions.length) {
      while (sent < questions.length && sent - answers.length < windowSize)
        this.requests.push(Payload.ofWire(this.type, writeReflectionRequest(questions[sent++]!)));
      answers.push(await this.answer());
    }
    return answers;
  }

  close(): void {
    this.requests.close();
    this.timer.cancel();
    this.signal.removeEventListener("abort", this.onAbort);
    // Most servers end the stream when we do; none is waited for.
    void this.replies?.return?.();
    const { cancelled } = this.call;
    this.call.finish(cancelled === undefined ? okStatus() : statusOf(cancelled));
  }

  private async answer(): Promise<ReflectionResponse> {
    if (this.replies === undefined) {
      const reply = await Promise.race([this.handler(this.call), this.failed]);
      this.replies = reply.messages[Symbol.asyncIterator]();
      this.end = reply.end;
    }
    const next = await Promise.race([this.replies.next(), this.failed]);
    if (next.done !== true) return readReflectionResponse(next.value.wire());
    const end = (await Promise.race([this.end, this.failed])) as { error?: CallError; code: Code; message: string };
    throw end.error ?? new CallError("UPSTREAM_PROTOCOL", "The server ended the reflection call before it had answered.", codeOf(end.code));
  }

  private cancel(error: CallError): void {
    this.call.cancel(error);
    this.fail(error);
  }
}

function codeOf(code: Code): { code?: Code } {
  return code === Code.OK ? {} : { code };
}

function reflectionMethod(service: string): Method {
  const input = opaque(`${service}Request`);
  return {
    path: `/${service}/ServerReflectionInfo`,
    service,
    name: "ServerReflectionInfo",
    input,
    output: opaque(`${service}Response`),
    clientStreaming: true,
    serverStreaming: true,
    unary: false,
    idempotency: "no-side-effects",
    http: [],
  };
}

/** Reflection messages are never JSON here. */
function opaque(name: string): MessageType {
  return {
    name,
    codec: () => {
      throw new CallError("INTERNAL", undefined, { cause: new Error(`${name} has no codec`) });
    },
  };
}

/** Requests as they are asked for; ends when closed. */
class RequestStream extends MessageStream {
  private readonly queue: Payload[] = [];
  private waiting: ((payload: Payload | undefined) => void) | undefined;
  private closed = false;

  push(payload: Payload): void {
    if (this.waiting === undefined) this.queue.push(payload);
    else this.wake(payload);
  }

  close(): void {
    this.closed = true;
    if (this.waiting !== undefined) this.wake(undefined);
  }

  next(): Payload | undefined | Promise<Payload | undefined> {
    if (this.queue.length > 0) return this.queue.shift();
    if (this.closed) return undefined;
    return new Promise((resolve) => (this.waiting = resolve));
  }

  cancel(): void {
    this.queue.length = 0;
    this.close();
  }

  private wake(payload: Payload | undefined): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting!(payload);
  }
}
