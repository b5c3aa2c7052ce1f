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
import { statusOf, type Status } from "../core/status.ts";
import type { Catalogue, Inbound } from "../protocols/protocol.ts";
import { opaqueMethod } from "../protocols/shared/opaque-type.ts";
import type { Exchange, ExchangeHandler } from "../wire/exchange.ts";

/** What is served right now. Immutable; a change of schema or configuration is another one. */
export interface Serving extends Catalogue {
  /** The method's pipeline, composed once. */
  handlerOf(method: Method): Handler;
  /** The layers that only look (rescue, trace, metrics, access log) around `innermost`: for what is refused before it has a method. */
  observed(innermost: Handler): Handler;
}

export interface DispatcherOptions {
  /** In the order in which they are asked; the last one answers what nobody accepts. */
  readonly inbounds: readonly Inbound[];
  /** What is served at this moment. */
  readonly serving: () => Serving;
}

/** The method that stands for everything that never reached one: one label for all of them. */
const unmatched = opaqueMethod("/-/-");

export function createDispatcher({ inbounds, serving }: DispatcherOptions): ExchangeHandler {
  const last = inbounds[inbounds.length - 1]!;

  function inboundOf(x: Exchange): Inbound {
    for (const inbound of inbounds) if (inbound.accepts(x.head)) return inbound;
    return last;
  }

  return (x: Exchange): void => {
    const current = serving();
    const inbound = inboundOf(x);
    let decoded: Call | Promise<Call>;
    try {
      decoded = inbound.decode(x, current);
    } catch (error) {
      refuse(error, x, inbound, current);
      return;
    }
    if (decoded instanceof Promise) {
      decoded.then(
        (call) => answer(call, x, inbound, current),
        (error: unknown) => refuse(error, x, inbound, current),
      );
    } else answer(decoded, x, inbound, current);
  };
}

function answer(call: Call, x: Exchange, inbound: Inbound, serving: Serving): void {
  run(serving.handlerOf(call.method), call, x, inbound, serving);
}

function refuse(thrown: unknown, x: Exchange, inbound: Inbound, serving: Serving): void {
  const error = CallError.of(thrown);
  const caller = { address: x.peer.address, protocol: inbound.kind, secure: x.peer.tls !== undefined };
  const call = new Call(unmatched, caller, Metadata.share(x.head.headers.flat), new MessageList([]), new Deadline(), x.arrivedAtMs);
  run(
    serving.observed(() => Promise.reject(error)),
    call,
    x,
    inbound,
    serving,
  );
}

function run(handler: Handler, call: Call, x: Exchange, inbound: Inbound, serving: Serving): void {
  x.onAbort((reason) => call.cancel(callerLeft(reason)));
  let reply: Promise<Reply>;
  try {
    reply = handler(call);
  } catch (error) {
    fail(error, call, x, inbound, serving);
    return;
  }
  reply.then(
    (value) => {
      const end = inbound.encode(value, call, x, serving);
      if (end instanceof Promise) void end.then((status) => call.finish(status));
      else finish(call, end, x);
    },
    (error: unknown) => fail(error, call, x, inbound, serving),
  );
}

function fail(thrown: unknown, call: Call, x: Exchange, inbound: Inbound, serving: Serving): void {
  const error = CallError.of(thrown);
  if (x.open) inbound.reject(error, x, serving);
  call.finish(statusOf(error));
}

/** A caller that left while the answer was made did not get it, whatever the upstream said. */
function finish(call: Call, end: Status, x: Exchange): void {
  call.finish(call.cancelled !== undefined && !x.open ? statusOf(call.cancelled) : end);
}
