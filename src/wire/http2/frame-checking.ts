/**
 * Reads the payloads of the small frames, once they are known to be legal (RFC 9113, section 6).
 *
 * All of these faults are the connection's; those of one stream only are left to the caller.
 */
import { errorCode, max31, PADDED, PRIORITISED } from "./frame.ts";
import { Http2Violation } from "./http2-violation.ts";

function checkLength(name: string, actualBytes: number, expectedBytes: number): void {
  if (actualBytes !== expectedBytes) throw new Http2Violation(errorCode.frameSizeError, `${name} of ${actualBytes} bytes`);
}

function checkConnection(name: string, streamId: number): void {
  if (streamId !== 0) throw new Http2Violation(errorCode.protocolError, `${name} on stream ${streamId}`);
}

export function checkStream(name: string, streamId: number): void {
  if (streamId === 0) throw new Http2Violation(errorCode.protocolError, `${name} on stream 0`);
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** May be 0, which is a fault of the stream or of the connection. */
export function readWindowIncrement(bytes: Uint8Array, start: number, end: number): number {
  checkLength("WINDOW_UPDATE", end - start, 4);
  return readUint32(bytes, start) & max31;
}

export function readResetCode(streamId: number, bytes: Uint8Array, start: number, end: number): number {
  checkStream("RST_STREAM", streamId);
  checkLength("RST_STREAM", end - start, 4);
  return readUint32(bytes, start);
}

export function checkPing(streamId: number, start: number, end: number): void {
  checkConnection("PING", streamId);
  checkLength("PING", end - start, 8);
}

export function checkSettings(streamId: number): void {
  checkConnection("SETTINGS", streamId);
}

export function checkSettingsAck(start: number, end: number): void {
  checkLength("acknowledgement of SETTINGS", end - start, 0);
}

interface Goaway {
  readonly lastStreamId: number;
  readonly code: number;
  readonly message: string;
}

const longestDebugBytes = 128;

export function readGoaway(streamId: number, bytes: Uint8Array, start: number, end: number): Goaway {
  checkConnection("GOAWAY", streamId);
  if (end - start < 8) throw new Http2Violation(errorCode.frameSizeError, `GOAWAY of ${end - start} bytes`);
  const debug = bytes.subarray(start + 8, Math.min(end, start + 8 + longestDebugBytes));
  return {
    lastStreamId: readUint32(bytes, start) & max31,
    code: readUint32(bytes, start + 4),
    message: Buffer.from(debug).toString("latin1"),
  };
}

/** Where the header block lies in a HEADERS frame that has padding or a priority (section 6.2). */
export const headRange = { from: 0, to: 0, selfDependent: false };

/** Sets {@link headRange}, which the next call overwrites. */
export function readHeadRange(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
  let from = start;
  let to = end;
  headRange.selfDependent = false;
  if ((flags & PADDED) !== 0) {
    if (from < end) to -= bytes[from]!;
    from++;
  }
  if ((flags & PRIORITISED) !== 0) {
    headRange.selfDependent = from + 5 <= to && (readUint32(bytes, from) & max31) === streamId;
    from += 5;
  }
  if (from > to) throw new Http2Violation(errorCode.protocolError, "padding or priority longer than its frame");
  headRange.from = from;
  headRange.to = to;
}
