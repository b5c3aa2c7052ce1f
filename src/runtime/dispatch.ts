/**
 * From an exchange to its answer: the first inbound that accepts decodes it, the method's pipeline answers it, the same inbound encodes.
 *
 * Two traps. A refusal before a Call exists (unknown path, bad query) still runs through the observing layers, by a call made for the
 * purpose, so that it is counted, traced and logged like any other. And every call is finished here, exactly once.
 */
import { Call, callerLeft } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import { Deadline } from "../core/deadline.ts";
import type { Handler } from "../core/handler.ts";
import { MessageList } from "../core/messages.ts";
import { Metadata } from "../core/metadata.ts";
import type { Method } from "../core/method.ts";
import type { Reply } from "../core/reply.ts";
import { okStatus, statusOf, type Status } from "../core/status.ts";
import type { Catalogue, Inbound } from "../protocols/protocol.ts";
import { callerOf } from "../protocols/shared/caller-of.ts";
import { opaqueMethod } from "../protocols/shared/opaque-type.ts";
import type { Exchange, ExchangeHandler, RequestHead } from "../wire/exchange.ts";
import { settleBody } from "./settle-body.ts";

/** What is served right now. Immutable; a change of schema or configuration is another one. */
export interface Serving extends Catalogue {
  /** The method's pipeline, composed once. */
  handlerOf(method: Method): Handler;
  /** What every request is refused with, in the words of its protocol. */
  readonly refusal?: CallError | undefined;
  /** The layers that only look (rescue, trace, metrics, access log) around `innermost`: for what is refused before it has a method. */
  observed(innermost: Handler): Handler;
}

type OnFault = (thrown: unknown, call: Call) => void;

export interface DispatcherOptions {
  /** In the order in which they are asked; the last one answers what nobody accepts. */
  readonly inbounds: readonly Inbound[];
  /** What is served at this moment, to such a request. */
  readonly serving: (head: RequestHead) => Serving;
  /** Told of a bug in an inbound; what was thrown is for the log alone. */
  readonly onFault: OnFault;
}

/** RFC 9113, section 7. */
const internalError = 0x2;

/** The method that stands for everything that never reached one: one label for all of them. */
export const unmatched = opaqueMethod("/-/-");

export function createDispatcher({ inbounds, serving, onFault }: DispatcherOptions): ExchangeHandler {
  return (x) => {
    const current = serving(x.head);
    new Dispatch(x, inboundFor(inbounds, x.head, current), current, onFault).begin();
  };
}

/** The first that accepts, else the last. */
export function inboundFor(inbounds: readonly Inbound[], head: RequestHead, catalogue?: Catalogue): Inbound {
  const contentType = head.headers.get("content-type") ?? "";
  for (const inbound of inbounds) if (inbound.accepts(head, contentType, catalogue)) return inbound;
  return inbounds[inbounds.length - 1]!;
}

/** One exchange on its way through. */
class Dispatch {
  private readonly x: Exchange;
  private readonly inbound: Inbound;
  private readonly serving: Serving;
  private readonly onFault: OnFault;

  constructor(x: Exchange, inbound: Inbound, serving: Serving, onFault: OnFault) {
    this.x = x;
    this.inbound = inbound;
    this.serving = serving;
    this.onFault = onFault;
  }

  begin(): void {
    let decoded: Call | Promise<Call>;
    try {
      if (this.serving.refusal !== undefined) throw this.serving.refusal;
      decoded = this.inbound.decode(this.x, this.serving);
    } catch (thrown) {
      const settled = settleBody(this.x.body, this.x.head.contentLength);
      if (settled === undefined) this.refuse(thrown);
      else void settled.then(() => this.refuse(thrown));
      return;
    }
    if (decoded instanceof Promise) {
      decoded.then(
        (call) => this.run(call, this.serving.handlerOf(call.method)),
        (thrown: unknown) => this.refuse(thrown),
      );
    } else this.run(decoded, this.serving.handlerOf(decoded.method));
  }

  private refuse(thrown: unknown): void {
    const { x, inbound, serving } = this;
    const call = new Call(
      unmatched,
      callerOf(x.peer, inbound.kind),
      Metadata.share(x.head.headers.flat),
      new MessageList([]),
      new Deadline(),
      x.arrivedAtMs,
    );
    this.run(
      call,
      serving.observed(() => {
        throw thrown;
      }),
    );
  }

  private run(call: Call, handler: Handler): void {
    this.x.onAbort((reason) => call.cancel(callerLeft(reason)));
    let reply: Promise<Reply>;
    try {
      reply = handler(call);
    } catch (thrown) {
      this.fail(call, thrown);
      return;
    }
    reply.then(
      (value) => this.encode(call, value),
      (thrown: unknown) => this.fail(call, thrown),
    );
  }

  private encode(call: Call, reply: Reply): void {
    let end: Status | Promise<Status>;
    try {
      end = this.inbound.encode(reply, call, this.x, this.serving);
    } catch (fault) {
      this.breakOff(call, fault);
      return;
    }
    if (end instanceof Promise) {
      end.then(
        (status) => this.finish(call, status),
        (fault: unknown) => this.breakOff(call, fault),
      );
    } else this.finish(call, end);
  }

  private fail(call: Call, thrown: unknown): void {
    const error = CallError.of(thrown);
    try {
      if (this.x.open) this.inbound.reject(error, this.x, this.serving);
    } catch (fault) {
      this.breakOff(call, fault);
      return;
    }
    call.finish(isAnswer(error) ? okStatus() : statusOf(error));
  }

  /** A bug in the inbound costs one call. The answer may be half written: the caller sees it break, log and row say why. */
  private breakOff(call: Call, fault: unknown): void {
    this.onFault(fault, call);
    if (this.x.open) this.x.abort(internalError);
    call.finish(statusOf(new CallError("INTERNAL", undefined, { cause: fault })));
  }

  /** A caller that left while the answer was made did not get it, whatever the upstream said. */
  private finish(call: Call, end: Status): void {
    call.finish(call.cancelled !== undefined && !this.x.open ? statusOf(call.cancelled) : end);
  }
}

/** Said like a refusal, because no method is called for it, and yet what was asked for: what a path takes (OPTIONS). Nothing failed. */
function isAnswer({ httpStatus }: CallError): boolean {
  return httpStatus !== undefined && httpStatus < 400;
}
