/** Reads SETTINGS (RFC 9113, section 6.5): what the peer asks of us. Unknown identifiers are ignored. */
import { defaultMaxFrameBytes, errorCode, largestMaxFrameBytes, max31 } from "./frame.ts";
import { Http2Violation } from "./http2-violation.ts";

export const setting = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const;

/** Calls `apply` for each legal setting of the payload [start,end), in order (section 6.5.3). */
export function readSettings(bytes: Uint8Array, start: number, end: number, apply: (id: number, value: number) => void): void {
  if ((end - start) % 6 !== 0) throw new Http2Violation(errorCode.frameSizeError, "SETTINGS of a length that is no multiple of 6");
  for (let at = start; at < end; at += 6) {
    const id = (bytes[at]! << 8) | bytes[at + 1]!;
    const value = ((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0;
    checkSetting(id, value);
    apply(id, value);
  }
}

function checkSetting(id: number, value: number): void {
  switch (id) {
    case setting.enablePush:
      if (value > 1) throw new Http2Violation(errorCode.protocolError, `SETTINGS_ENABLE_PUSH of ${value}`);
      return;
    case setting.initialWindowSize:
      if (value > max31) throw new Http2Violation(errorCode.flowControlError, `SETTINGS_INITIAL_WINDOW_SIZE of ${value}`);
      return;
    case setting.maxFrameSize:
      if (value < defaultMaxFrameBytes || value > largestMaxFrameBytes) {
        throw new Http2Violation(errorCode.protocolError, `SETTINGS_MAX_FRAME_SIZE of ${value}`);
      }
      return;
    default:
  }
}
