/** An exchange whose answer carries what the page that asked needs to read it; everything else is the exchange's own. */
import type { BodyReader, Exchange, Peer, RequestHead } from "../../wire/exchange.ts";
import type { WireError } from "../../wire/wire-error.ts";
import type { CorsRules } from "./cors-rules.ts";

export class CorsExchange implements Exchange {
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly arrivedAtMs: number;
  readonly body: BodyReader;
  private readonly inner: Exchange;
  private readonly rules: CorsRules;
  private readonly origin: string | undefined;

  constructor(inner: Exchange, rules: CorsRules) {
    this.head = inner.head;
    this.peer = inner.peer;
    this.arrivedAtMs = inner.arrivedAtMs;
    this.body = inner.body;
    this.inner = inner;
    this.rules = rules;
    this.origin = inner.head.headers.get("origin");
  }

  get open(): boolean {
    return this.inner.open;
  }

  respond(status: number, headers: readonly string[], body: Uint8Array | undefined, trailers?: readonly string[]): void {
    this.inner.respond(status, this.rules.answer(this.origin, headers), body, trailers);
  }

  start(status: number, headers: readonly string[], contentLength?: number): void {
    this.inner.start(status, this.rules.answer(this.origin, headers), contentLength);
  }

  write(chunk: Uint8Array, prefix?: Uint8Array): boolean {
    return this.inner.write(chunk, prefix);
  }

  drained(): Promise<void> {
    return this.inner.drained();
  }

  finish(trailers?: readonly string[]): void {
    this.inner.finish(trailers);
  }

  abort(http2Code: number): void {
    this.inner.abort(http2Code);
  }

  onAbort(listener: (reason: WireError) => void): void {
    this.inner.onAbort(listener);
  }
}
