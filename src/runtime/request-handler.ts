/** From an exchange to its answer: what comes from outside made safe, a token taken out of the address, pages of our own, then what pages of other origins may do, then the dispatcher. */
import type { Config } from "../config/schema.ts";
import type { Logger } from "../core/logger.ts";
import type { ExchangeHandler } from "../wire/exchange.ts";
import { withCors } from "./cors/with-cors.ts";
import type { Serving } from "./dispatch.ts";
import { withEdge } from "./edge/with-edge.ts";
import { withQueryToken } from "./edge/with-query-token.ts";
import { withOwnPages } from "./own-pages.ts";

export interface RequestHandlerOptions {
  readonly dispatch: ExchangeHandler;
  readonly serving: () => Serving;
  readonly config: () => Config;
  readonly logger: Logger;
}

/** What a listener is given; explanations take requests through the same. */
export function createRequestHandler({ dispatch, serving, config, logger }: RequestHandlerOptions): ExchangeHandler {
  const pages = withOwnPages({ serve: withCors({ serve: dispatch, serving, config }), serving, config, logger });
  return withEdge({ serve: withQueryToken({ serve: pages, config }), serving, config });
}
