/**
 * A failure of the transport: connection, stream or framing; the protocols turn it into a CallError.
 *
 * `unprocessed` is a promise to retries: the peer provably did not look at the request (never sent, REFUSED_STREAM, or above GOAWAY's last id).
 */
export type WireErrorKind =
  | "connect" // no connection could be made
  | "refused" // the peer or our own limits refused the stream before it was looked at
  | "reset" // the stream was reset, or the connection broke off under it
  | "protocol" // the peer broke the protocol
  | "timeout" // a wire deadline (head, body, idle) passed
  | "too-large" // a limit on bytes was passed
  | "closed"; // we closed it: drain or shutdown

export class WireError extends Error {
  override readonly name = "WireError";
  readonly kind: WireErrorKind;
  readonly unprocessed: boolean;
  /** The HTTP/2 error code of RST_STREAM or GOAWAY (RFC 9113, section 7), where there was one. */
  readonly http2Code: number | undefined;

  constructor(kind: WireErrorKind, message: string, options: { unprocessed?: boolean; http2Code?: number; cause?: unknown } = {}) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.kind = kind;
    this.unprocessed = options.unprocessed ?? false;
    this.http2Code = options.http2Code;
  }
}
