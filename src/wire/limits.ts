/** Every limit the wire enforces, in one place, with the defaults of an inbound listener (SEMANTICS A6 and B10 as docs/hardening.md restates them). */
export interface WireLimits {
  /** Head of one request: names, values and their punctuation. */
  readonly headBytes: number;
  readonly headFields: number;
  readonly uriBytes: number;
  /** Request body a protocol will buffer whole; streams are bounded by flow control instead. */
  readonly bodyBytes: number;
  /** Concurrent HTTP/2 streams a client may open. */
  readonly streams: number;
  /** HTTP/1.1 requests that may wait in the pipeline of one connection. */
  readonly pipelined: number;
  /** From the first byte of a head (or the accept) to its end. */
  readonly headTimeoutMs: number;
  /** Longest silence while a body arrives or an answer is taken. */
  readonly bodyTimeoutMs: number;
  /** Longest life of a connection with no exchange under way. */
  readonly idleTimeoutMs: number;
  /** Bytes of response that may wait for one connection before `write` returns false. */
  readonly writeHighWaterBytes: number;
  /** HTTP/2 receive window per stream and per connection. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
}

export const defaultLimits: WireLimits = Object.freeze({
  headBytes: 60 * 1024,
  headFields: 100,
  uriBytes: 8 * 1024,
  bodyBytes: 4 * 1024 * 1024,
  streams: 100,
  pipelined: 64,
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  idleTimeoutMs: 3_600_000,
  writeHighWaterBytes: 64 * 1024,
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 1024 * 1024,
});
