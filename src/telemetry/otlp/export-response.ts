/** What a collector says of a request: `Export*ServiceResponse`, of which only the number of rejected items matters, and its gRPC status. */
import { Code, codeFromNumber } from "../../core/code.ts";

const partialSuccess = 0x0a;
const rejected = 0x08;

/**
 * `partial_success.rejected_spans` or `rejected_data_points`; 0 where nothing was rejected, or the answer cannot be read (it may be JSON).
 * @param response the message's bytes
 */
export function rejectedItems(response: Uint8Array): number {
  if (response[0] !== partialSuccess) return 0;
  // partial_success holds a number and a text of less than a few kilobytes; the number, when there is one, comes first.
  let at = 1;
  while (at < response.length && response[at]! >= 0x80) at++;
  at++;
  if (response[at] !== rejected) return 0;
  let value = 0;
  let factor = 1;
  for (at++; at < response.length; at++) {
    value += (response[at]! & 0x7f) * factor;
    if (response[at]! < 0x80) return value;
    factor *= 128;
  }
  return 0;
}

/** `grpc-status` of trailers as a flat list; UNKNOWN where there is none. */
export function codeFromTrailers(trailers: readonly string[]): Code {
  for (let i = 0; i < trailers.length; i += 2) if (trailers[i] === "grpc-status") return codeFromNumber(Number(trailers[i + 1]));
  return Code.UNKNOWN;
}
