/**
 * The peer broke the protocol in a way the connection does not survive (RFC 9113, section 5.4.1).
 *
 * Thrown anywhere below the frame reader, caught in one place by the connection, which says GOAWAY. Faults of a single stream are not thrown.
 */
export class Http2Violation extends Error {
  override readonly name = "Http2Violation";
  /** The error code for GOAWAY. */
  readonly code: number;

  constructor(code: number, message: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
  }
}
