/**
 * Serialises frame headers and the frames that have no stream data in them (RFC 9113, sections 4.1 and 6).
 *
 * They only fill the output; whoever calls sees to it that the output is flushed.
 */
import type { FrameOutput } from "./frame-output.ts";
import { ACK, frameHeaderBytes, GOAWAY, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE } from "./frame.ts";

/** Nine octets at `at`; `lengthBytes` counts the payload. */
export function putFrameHeader(out: Uint8Array, at: number, lengthBytes: number, type: number, flags: number, streamId: number): void {
  out[at] = lengthBytes >>> 16;
  out[at + 1] = lengthBytes >>> 8;
  out[at + 2] = lengthBytes;
  out[at + 3] = type;
  out[at + 4] = flags;
  putUint32(out, at + 5, streamId);
}

function putUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

function writeWord(output: FrameOutput, type: number, streamId: number, value: number): void {
  const out = output.reserve(frameHeaderBytes + 4);
  putFrameHeader(out, output.at, 4, type, 0, streamId);
  putUint32(out, output.at + frameHeaderBytes, value);
  output.at += frameHeaderBytes + 4;
}

export function writeReset(output: FrameOutput, streamId: number, code: number): void {
  writeWord(output, RST_STREAM, streamId, code);
}

/** @param streamId 0 for the connection's window. */
export function writeWindowUpdate(output: FrameOutput, streamId: number, incrementBytes: number): void {
  writeWord(output, WINDOW_UPDATE, streamId, incrementBytes);
}

/** @param settings identifiers and values in turn. */
export function writeSettings(output: FrameOutput, settings: readonly number[]): void {
  const lengthBytes = settings.length * 3;
  const out = output.reserve(frameHeaderBytes + lengthBytes);
  putFrameHeader(out, output.at, lengthBytes, SETTINGS, 0, 0);
  output.at += frameHeaderBytes;
  for (let i = 0; i < settings.length; i += 2) {
    out[output.at++] = settings[i]! >>> 8;
    out[output.at++] = settings[i]!;
    putUint32(out, output.at, settings[i + 1]!);
    output.at += 4;
  }
}

export function writeSettingsAck(output: FrameOutput): void {
  const out = output.reserve(frameHeaderBytes);
  putFrameHeader(out, output.at, 0, SETTINGS, ACK, 0);
  output.at += frameHeaderBytes;
}

/** @param payload eight bytes at `start`. */
export function writePing(output: FrameOutput, flags: number, payload: Uint8Array, start: number): void {
  const out = output.reserve(frameHeaderBytes + 8);
  putFrameHeader(out, output.at, 8, PING, flags, 0);
  output.at += frameHeaderBytes;
  for (let i = 0; i < 8; i++) out[output.at++] = payload[start + i]!;
}

export function writeGoaway(output: FrameOutput, lastStreamId: number, code: number, message: string): void {
  const debug = Buffer.from(message, "latin1");
  const out = output.reserve(frameHeaderBytes + 8 + debug.length);
  putFrameHeader(out, output.at, 8 + debug.length, GOAWAY, 0, 0);
  putUint32(out, output.at + frameHeaderBytes, lastStreamId);
  putUint32(out, output.at + frameHeaderBytes + 4, code);
  out.set(debug, output.at + frameHeaderBytes + 8);
  output.at += frameHeaderBytes + 8 + debug.length;
}
