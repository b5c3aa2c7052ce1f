/** A frame of the kind the subprotocol does not use: its sender speaks something else. */
import { CallError } from "../../core/call-error.ts";

export class UnsupportedFrame extends CallError {}

export function unsupportedFrame(expected: "text" | "binary"): CallError {
  return new UnsupportedFrame("BAD_REQUEST", `frames of this subprotocol are ${expected}`, { source: "caller" });
}
