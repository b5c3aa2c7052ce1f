/**
 * One request taken through everything that serves requests, up to where a policy would first see it, and no further.
 *
 * Dispatcher, protocols, router, binder and codecs are the running ones; only what stands behind them is not: no policy runs and nothing is
 * sent, so an explanation is not counted, logged or limited. The trap: messages are converted here as the upstream side would do it,
 * because much of what is wrong with a body shows only then.
 */
import type { Config } from "../../config/schema.ts";
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Handler } from "../../core/handler.ts";
import { silentLogger } from "../../core/logger.ts";
import type { Reason } from "../../core/reasons.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import type { Catalogue, Inbound } from "../../protocols/protocol.ts";
import { errorOfRequest } from "../../protocols/shared/codec-failure.ts";
import type { MethodTable, RouteMatch, RouteMiss } from "../../schema/method-table.ts";
import { createDispatcher, type Serving } from "../dispatch.ts";
import { createRequestHandler } from "../request-handler.ts";
import type { Exchange } from "../../wire/exchange.ts";
import { DryExchange, type DryAnswer } from "./dry-exchange.ts";
import type { DryRequest } from "./explained-request.ts";

/** Of a stream this many messages are converted. */
const maxMessages = 1000;
/** Nothing here waits for anybody; this is for what we did not think of. */
const longestMs = 10_000;

/** What was asked of the method table, and what it answered. */
interface Routed {
  readonly httpMethod: string;
  readonly target: string;
  readonly route: RouteMatch | RouteMiss;
}

export interface TrialContext {
  readonly config: Config;
  readonly catalogue: Catalogue;
  readonly inbounds: readonly Inbound[];
}

export class Trial {
  /** False: it was answered before any protocol was asked. */
  dispatched = false;
  /** It has become a WebSocket, whose frames nobody has seen yet. */
  switched = false;
  /** The first route that was found, else the first that was not; undefined when nobody asked for one, as gRPC does not. */
  routed: Routed | undefined;
  /** Undefined when the request was refused before it became one. */
  call: Call | undefined;
  /** Why the request gets no further. */
  error: CallError | undefined;
  /** What the listener answers without the upstream. */
  answer: DryAnswer | undefined;
  /** The first request message, if it could be read. */
  message: Payload | undefined;

  /** @throws Error when it takes too long */
  static async run({ head, body }: DryRequest, { config, catalogue, inbounds }: TrialContext): Promise<Trial> {
    const trial = new Trial();
    let fault: unknown;
    const serving = (): Serving => trial.serving(catalogue);
    const dispatcher = createDispatcher({ inbounds, serving, onFault: (thrown) => (fault = thrown) });
    const dispatch = (x: Exchange): void => {
      trial.dispatched = true;
      dispatcher(x);
    };
    const x = new DryExchange(head, body);
    createRequestHandler({ dispatch, serving, config: () => config, logger: silentLogger })(x);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error("the request could not be explained in time")), longestMs);
    });
    try {
      trial.answer = await Promise.race([x.answered, late]);
    } finally {
      clearTimeout(timer);
    }
    if (fault !== undefined) trial.error ??= CallError.of(fault);
    if (!trial.dispatched) trial.error = errorOfPage(trial.answer);
    if (x.switched) {
      trial.switched = true;
      trial.error = undefined;
    }
    return trial;
  }

  private serving(catalogue: Catalogue): Serving {
    return {
      ...catalogue,
      table: catalogue.table && this.noting(catalogue.table),
      handlerOf: () => (call) => this.arrive(call),
      observed: (innermost) => (call) => this.refuse(innermost, call),
    };
  }

  /** The table itself, but that it is noted what was asked of it. */
  private noting(table: MethodTable): MethodTable {
    const route = (httpMethod: string, target: string): RouteMatch | RouteMiss => {
      const found = table.route(httpMethod, target);
      if (this.routed === undefined || (found.found && !this.routed.route.found)) this.routed = { httpMethod, target, route: found };
      return found;
    };
    return Object.create(table, { route: { value: route } }) as MethodTable;
  }

  private async arrive(call: Call): Promise<Reply> {
    this.call = call;
    try {
      await this.convert(call);
    } catch (thrown) {
      this.error = errorOfRequest(thrown, call.method);
      throw this.error;
    }
    // The dispatcher wants an answer; that there is no error is what counts.
    throw new CallError("UPSTREAM_STATUS");
  }

  private async convert({ messages }: Call): Promise<void> {
    for (let count = 0; count < maxMessages; count++) {
      const next = messages.next();
      const payload = next instanceof Promise ? await next : next;
      if (payload === undefined) return;
      payload.wire();
      this.message ??= payload;
    }
  }

  private refuse(innermost: Handler, call: Call): Promise<Reply> {
    try {
      return innermost(call);
    } catch (thrown) {
      this.error = CallError.of(thrown);
      throw thrown;
    }
  }
}

/** Pages of our own write their errors themselves: what was meant is read from what was written. */
function errorOfPage(answer: DryAnswer | undefined): CallError | undefined {
  if (answer?.body === undefined || answer.status < 400) return undefined;
  const { message, details } = JSON.parse(answer.body.toString()) as { message: string; details: readonly { readonly reason?: Reason }[] };
  return new CallError(details[0]?.reason ?? "INTERNAL", message, { httpStatus: answer.status, headers: answer.headers });
}
