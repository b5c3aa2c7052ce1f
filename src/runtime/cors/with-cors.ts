/**
 * The CORS layer of a listener: answers preflights, and marks the answers of everything else for the browser.
 *
 * The trap: a preflight carries no credentials, so no policy that wants some may stand before it; it is a call of `cors/preflight`, answered apart.
 */
import type { Config } from "../../config/schema.ts";
import { opaqueUnaryMethod } from "../../protocols/shared/opaque-type.ts";
import type { ExchangeHandler } from "../../wire/exchange.ts";
import { answerApart } from "../answer-apart.ts";
import type { Serving } from "../dispatch.ts";
import { CorsExchange } from "./cors-exchange.ts";
import { CorsRules, isPreflight, type CorsSettings } from "./cors-rules.ts";

const preflight = opaqueUnaryMethod("/cors/preflight");

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
    const current = rules;
    // A WebSocket is no business of CORS: its Origin is checked where it is opened.
    if (current === undefined || x.head.upgrade !== undefined) serve(x);
    else if (!isPreflight(x.head)) serve(new CorsExchange(x, current));
    else {
      const fields = (): string[] => current.preflight(x.head);
      answerApart(new PreflightExchange(x, current), { serving: serving(), method: preflight, protocol: "cors", fields });
    }
  };
}

/** What a granted preflight is told says it all; only a refusal needs the mark. */
class PreflightExchange extends CorsExchange {
  override respond(status: number, headers: readonly string[], body: Uint8Array | undefined): void {
    if (status === 204) this.inner.respond(status, headers, body);
    else super.respond(status, headers, body);
  }
}
