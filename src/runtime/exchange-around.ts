/** An exchange handed on with something changed: everything is the inner one's, and whoever extends this says what is not. */
import type { BodyReader, Exchange, Peer, RequestHead } from "../wire/exchange.ts";
import type { RawConnection, Upgradable } from "../wire/http1/upgradable.ts";
import type { WireError } from "../wire/wire-error.ts";

export class ExchangeAround implements Exchange {
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly arrivedAtMs: number;
  readonly body: BodyReader;
  protected readonly inner: Exchange;

  constructor(inner: Exchange, head: RequestHead = inner.head) {
    this.head = head;
    this.peer = inner.peer;
    this.arrivedAtMs = inner.arrivedAtMs;
    this.body = inner.body;
    this.inner = inner;
  }

  get open(): boolean {
    return this.inner.open;
  }

  respond(status: number, headers: readonly string[], body: Uint8Array | undefined, trailers?: readonly string[]): void {
    this.inner.respond(status, headers, body, trailers);
  }

  start(status: number, headers: readonly string[], contentLength?: number): void {
    this.inner.start(status, headers, contentLength);
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

/** One that may become another protocol, and still can. */
export class UpgradableAround extends ExchangeAround implements Upgradable {
  private readonly upgradable: Upgradable;

  constructor(inner: Exchange & Upgradable, head: RequestHead) {
    super(inner, head);
    this.upgradable = inner;
  }

  switchProtocols(headers: readonly string[]): RawConnection | undefined {
    return this.upgradable.switchProtocols(headers);
  }
}

/** A head may be a class with getters, which a spread would leave out. */
export function ownFields({
  version,
  method,
  target,
  scheme,
  authority,
  headers,
  contentLength,
  acceptsTrailers,
  upgrade,
}: RequestHead): RequestHead {
  return { version, method, target, scheme, authority, headers, contentLength, acceptsTrailers, upgrade };
}
