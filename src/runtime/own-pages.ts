/**
 * Paths below `/.dragoman/` are the proxy's own and never reach the service; with `inbound.docs: false` there are none.
 *
 * The trap: this looks at every request of the listener, so it compares one character and leaves the rest to what is loaded when somebody asks.
 */
import type { Config } from "../config/schema.ts";
import { CallError } from "../core/call-error.ts";
import type { Logger } from "../core/logger.ts";
import { writeError } from "../protocols/rest/errors.ts";
import type { Exchange, ExchangeHandler } from "../wire/exchange.ts";
import type { Serving } from "./dispatch.ts";
import { settleBody } from "./settle-body.ts";
import type { DocsSite } from "./docs-site.ts";

const prefix = "/.dragoman/";
const dot = 0x2e;

export interface OwnPagesOptions {
  readonly serve: ExchangeHandler;
  readonly serving: () => Serving;
  readonly config: () => Config;
  readonly logger: Logger;
}

export function withOwnPages({ serve, serving, config, logger }: OwnPagesOptions): ExchangeHandler {
  let site: Promise<DocsSite> | undefined;

  async function answer(x: Exchange): Promise<void> {
    try {
      site ??= import("./docs-site.ts").then(({ createDocsSite }) => createDocsSite());
      const docs = await site;
      await settleBody(x.body, x.head.contentLength);
      docs.answer(x, serving().table, config());
    } catch (thrown) {
      const error = CallError.of(thrown);
      if (error.reason === "INTERNAL") logger.error("a docs page could not be made", { target: x.head.target, cause: thrown });
      if (x.open) writeError(error, x, serving());
    }
  }

  return (x) => {
    const { target } = x.head;
    if (target.charCodeAt(1) === dot && target.startsWith(prefix) && servesDocs(config())) void answer(x);
    else serve(x);
  };
}

/** Off for the outside unless it is switched on. */
function servesDocs({ inbound }: Config): boolean {
  return inbound.docs ?? !inbound.external;
}
