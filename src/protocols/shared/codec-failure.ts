/**
 * A message that does not fit its type, as the error its sender deserves: the caller's request is a 400 that names the field,
 * the upstream's answer is our 502.
 */
import { CallError } from "../../core/call-error.ts";
import { CodecError } from "../../core/message-type.ts";
import type { Method } from "../../core/method.ts";
import { errorOfCodec } from "../../schema/binding/codec-error.ts";

/** For what was thrown while the request's message was converted. */
export function errorOfRequest(thrown: unknown, method: Method): CallError {
  return thrown instanceof CodecError ? errorOfCodec(thrown, method.input) : CallError.of(thrown);
}

/** For what was thrown while the answer's message was converted. */
export function errorOfAnswer(thrown: unknown): CallError {
  if (thrown instanceof CodecError) return new CallError("UPSTREAM_MESSAGE", undefined, { source: "upstream", cause: thrown });
  return CallError.of(thrown);
}
