/**
 * One HTTP request and the answer to it, the same for HTTP/1.1 and HTTP/2: what the wire hands to the protocols.
 *
 * Two traps. Bytes handed out (`BodyReader`) belong to whoever receives them; bytes handed in (`respond`, `write`) are copied or written
 * before the call returns, so scratch buffers may be passed. And an exchange is dispatched only after the read that brought its head
 * has been parsed to the end, so that a small request's body is already whole (`body.whole`) when the protocol first sees it.
 */
import type { CallerTls } from "../core/caller.ts";
import type { Metadata } from "../core/metadata.ts";
import type { WireError } from "./wire-error.ts";

export interface Peer {
  /** Remote address without port. */
  readonly address: string;
  readonly port: number;
  /** Set on TLS connections. */
  readonly tls: (CallerTls & { readonly servername: string | undefined; readonly alpn: string | undefined }) | undefined;
}

export interface RequestHead {
  readonly version: "1.0" | "1.1" | "2";
  /** "GET"; upper case as sent. */
  readonly method: string;
  /** Path and query as sent (origin form): "/v1/items?a=1". "*" for OPTIONS *. */
  readonly target: string;
  readonly scheme: "http" | "https";
  /** `:authority` or `Host`. */
  readonly authority: string;
  /**
   * End-to-end fields, names in lower case. Not in here: pseudo fields, and what belongs to the connection or the framing
   * (connection and the fields it names, keep-alive, proxy-connection, transfer-encoding, upgrade, te, trailer, host, content-length, expect, http2-settings).
   * The flat list may be shared between requests (cached header block): see Metadata.share.
   */
  readonly headers: Metadata;
  /** Declared body length in bytes; -1 when not declared. */
  readonly contentLength: number;
  /** `te: trailers` was sent: the client wants trailers. */
  readonly acceptsTrailers: boolean;
  /** The protocol asked for by `Upgrade` (lower case), HTTP/1.1 only. */
  readonly upgrade: string | undefined;
}

/** Request body, pulled. What is not pulled is not credited to the peer: that is the back-pressure. */
export interface BodyReader {
  /** The whole body when all of it has arrived (empty array for none), else undefined. Taking it uses the body up. */
  whole(): Uint8Array | undefined;
  /** Next chunk at once if it is there, else a promise; undefined at the end. Rejects or throws a WireError when the exchange breaks. */
  read(): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Trailer fields; set after the end was read. */
  readonly trailers: Metadata | undefined;
  /** The rest is not wanted: it is drained within limits (HTTP/1.1) or refused (HTTP/2). */
  cancel(): void;
}

export interface Exchange {
  readonly head: RequestHead;
  readonly peer: Peer;
  /** Monotonic milliseconds of the read that completed the head. */
  readonly arrivedAtMs: number;
  readonly body: BodyReader;
  /** False once the client has gone or the exchange has ended; writing is then without effect. */
  readonly open: boolean;

  /** The whole answer at once. `body` is copied or written before this returns. `headers` is a flat list in lower case, without content-length. */
  respond(status: number, headers: readonly string[], body: Uint8Array | undefined, trailers?: readonly string[]): void;

  /**
   * Begins a streamed answer. The head is written with the first bytes of the body or at the end of the event-loop turn, whichever is first.
   * @param contentLength what is said of the body's length, when it is known; to HEAD it is said of a body that does not follow
   */
  start(status: number, headers: readonly string[], contentLength?: number): void;
  /** Appends to a streamed answer; `prefix` goes before it in the same frame. False: wait for {@link drained} before writing more. */
  write(chunk: Uint8Array, prefix?: Uint8Array): boolean;
  /** Settles when more may be written, or when the exchange is over (then `open` is false). */
  drained(): Promise<void>;
  /** Ends a streamed answer, with trailer fields where the client can take them. */
  finish(trailers?: readonly string[]): void;
  /** Breaks the exchange off: RST_STREAM with the code on HTTP/2, a closed connection on HTTP/1.1. */
  abort(http2Code: number): void;

  /** Hears, at most once, that the client went away before the answer was finished. At once if it has already. */
  onAbort(listener: (reason: WireError) => void): void;
}

/** What a listener serves. Must not throw; a failure is answered through the exchange. */
export type ExchangeHandler = (exchange: Exchange) => void;
