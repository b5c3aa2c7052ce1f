/**
 * The trailers of a gRPC-Web answer: the last frame of the body, flag 0x80, lines of `name: value\r\n` (PROTOCOL-WEB.md).
 *
 * The trap: header fields may not hold CR or LF, and here they are text in a body, so a value that does would forge a line.
 */
import { envelopeBytes } from "./envelope.ts";

const trailersFlag = 0x80;

/** The whole frame, prefix included. `fields` is a flat list in lower case. */
export function trailerFrame(fields: readonly string[]): Buffer {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]!}: ${fields[i + 1]!.replace(/[\r\n]/g, " ")}\r\n`;
  const frame = Buffer.allocUnsafe(envelopeBytes + text.length);
  frame[0] = trailersFlag;
  frame.writeUInt32BE(text.length, 1);
  frame.write(text, envelopeBytes, "latin1");
  return frame;
}
