/** An exchange whose answer carries what the page that asked needs to read it; everything else is the exchange's own. */
import type { Exchange } from "../../wire/exchange.ts";
import { ExchangeAround } from "../exchange-around.ts";
import type { CorsRules } from "./cors-rules.ts";

export class CorsExchange extends ExchangeAround {
  private readonly rules: CorsRules;
  private readonly origin: string | undefined;

  constructor(inner: Exchange, rules: CorsRules) {
    super(inner);
    this.rules = rules;
    this.origin = inner.head.headers.get("origin");
  }

  override respond(status: number, headers: readonly string[], body: Uint8Array | undefined, trailers?: readonly string[]): void {
    super.respond(status, this.rules.answer(this.origin, headers), body, trailers);
  }

  override start(status: number, headers: readonly string[], contentLength?: number): void {
    super.start(status, this.rules.answer(this.origin, headers), contentLength);
  }
}
