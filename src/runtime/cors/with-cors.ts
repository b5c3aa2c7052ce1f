/**
 * The CORS layer of a listener: answers preflights, and marks the answers of everything else for the browser.
 *
 * The trap: a preflight carries no credentials, so no policy that wants some may stand before it; it runs through the layers that only look,
 * as a call of `cors/preflight`, and is counted and logged like any other.
 */
import type { Config } from "../../config/schema.ts";
import { Call, callerLeft } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { Deadline } from "../../core/deadline.ts";
import { MessageList } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import { UnaryReply } from "../../core/reply.ts";
import { okStatus, statusOf } from "../../core/status.ts";
import { writeError } from "../../protocols/rest/errors.ts";
import { opaqueUnaryMethod } from "../../protocols/shared/opaque-type.ts";
import type { Exchange, ExchangeHandler } from "../../wire/exchange.ts";
import type { Serving } from "../dispatch.ts";
import { CorsExchange } from "./cors-exchange.ts";
import { CorsRules, isPreflight, type CorsSettings } from "./cors-rules.ts";

const preflight = opaqueUnaryMethod("/cors/preflight");
const nothing = new MessageList([]);

export interface CorsOptions {
  readonly serve: ExchangeHandler;
  readonly serving: () => Serving;
  readonly config: () => Config;
}

export function withCors({ serve, serving, config }: CorsOptions): ExchangeHandler {
  let rules: CorsRules | undefined;
  let made: CorsSettings | undefined;

  return (x) => {
    const { cors } = config().inbound;
    if (cors !== made) {
      made = cors;
      rules = cors === undefined ? undefined : new CorsRules(cors);
    }
    // A WebSocket is no business of CORS: its Origin is checked where it is opened.
    if (rules === undefined || x.head.upgrade !== undefined) serve(x);
    else if (isPreflight(x.head)) answerPreflight(x, rules, serving());
    else serve(new CorsExchange(x, rules));
  };
}

/** Never throws; the call is finished here. */
function answerPreflight(x: Exchange, rules: CorsRules, serving: Serving): void {
  const { peer, head, arrivedAtMs } = x;
  const caller = { address: peer.address, protocol: "cors", secure: peer.tls !== undefined };
  const call = new Call(preflight, caller, Metadata.share(head.headers.flat), new MessageList([]), new Deadline(), arrivedAtMs);
  const refuse = (thrown: unknown): void => {
    const error = CallError.of(thrown);
    if (x.open) writeError(error, new CorsExchange(x, rules), serving);
    call.finish(statusOf(error));
  };
  x.onAbort((reason) => call.cancel(callerLeft(reason)));
  try {
    const answered = serving.observed(() => Promise.resolve(new UnaryReply(new Metadata(rules.preflight(head)), nothing, okStatus())))(
      call,
    );
    answered.then(({ metadata }) => {
      x.body.cancel();
      if (x.open) x.respond(204, metadata.flat, undefined);
      call.finish(call.cancelled === undefined ? okStatus() : statusOf(call.cancelled));
    }, refuse);
  } catch (thrown) {
    refuse(thrown);
  }
}
