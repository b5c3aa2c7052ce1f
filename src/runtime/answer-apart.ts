/**
 * Answers a request that never becomes a call of the service: it runs through the layers that only look, so it is counted, traced and logged
 * like any other, and through none that might refuse it.
 */
import { Call, callerLeft } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import { Deadline } from "../core/deadline.ts";
import { MessageList } from "../core/messages.ts";
import { Metadata } from "../core/metadata.ts";
import type { Method } from "../core/method.ts";
import { UnaryReply } from "../core/reply.ts";
import { okStatus, statusOf } from "../core/status.ts";
import { callerOf } from "../protocols/shared/caller-of.ts";
import { writeError } from "../protocols/rest/errors.ts";
import type { Exchange } from "../wire/exchange.ts";
import type { Serving } from "./dispatch.ts";

const nothing = new MessageList([]);

export interface ApartOptions {
  readonly serving: Serving;
  readonly method: Method;
  /** What the caller is said to speak. */
  readonly protocol: string;
  /** The fields of a 204. @throws CallError, which is answered as such */
  readonly fields: () => string[];
}

/** Never throws; the call is finished here. */
export function answerApart(x: Exchange, { serving, method, protocol, fields }: ApartOptions): void {
  const { peer, head, arrivedAtMs } = x;
  const call = new Call(method, callerOf(peer, protocol), Metadata.share(head.headers.flat), nothing, new Deadline(), arrivedAtMs);
  const refuse = (thrown: unknown): void => {
    const error = CallError.of(thrown);
    if (x.open) writeError(error, x, serving);
    call.finish(statusOf(error));
  };
  x.onAbort((reason) => call.cancel(callerLeft(reason)));
  try {
    const answered = serving.observed(() => Promise.resolve(new UnaryReply(new Metadata(fields()), nothing, okStatus())))(call);
    answered.then(({ metadata }) => {
      x.body.cancel();
      if (x.open) x.respond(204, metadata.flat, undefined);
      call.finish(call.cancelled === undefined ? okStatus() : statusOf(call.cancelled));
    }, refuse);
  } catch (thrown) {
    refuse(thrown);
  }
}
