/**
 * The numbers of HTTP/2: frame types, flags, settings and error codes (RFC 9113, sections 6, 6.5.2 and 7).
 *
 * Plain constants and no table: they are read in the innermost loop, where the compiler folds them.
 */
export const DATA = 0x0;
export const HEADERS = 0x1;
export const PRIORITY = 0x2;
export const RST_STREAM = 0x3;
export const SETTINGS = 0x4;
export const PUSH_PROMISE = 0x5;
export const PING = 0x6;
export const GOAWAY = 0x7;
export const WINDOW_UPDATE = 0x8;
export const CONTINUATION = 0x9;

/** END_STREAM on DATA and HEADERS; ACK on SETTINGS and PING. */
export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITISED = 0x20;

export const frameHeaderBytes = 9;
/** What every endpoint must take, and all we ask for (section 4.2). */
export const defaultMaxFrameBytes = 16_384;
export const largestMaxFrameBytes = 16_777_215;
/** Both flow-control windows before SETTINGS and WINDOW_UPDATE change them (section 6.9.2). */
export const defaultWindowBytes = 65_535;
/** The largest stream id, window and window increment. */
export const max31 = 0x7fffffff;

export const errorCode = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

const codeNames = Object.keys(errorCode).map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());

/** "REFUSED_STREAM" for 7; unknown codes as hexadecimal. */
export function errorCodeName(code: number): string {
  return codeNames[code] ?? `0x${code.toString(16)}`;
}

/** What a client sends first (section 3.4). */
export const clientPreface: Uint8Array = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export function describeReset(code: number): string {
  return `the peer reset the stream: ${errorCodeName(code)}`;
}
