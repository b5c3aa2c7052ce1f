/**
 * What an upstream is told of earlier attempts: `grpc-previous-rpc-attempts` (grpc/proposal A6).
 *
 * The trap: the caller may retry by itself and say so; the upstream is told one number, the sum.
 */
import type { Call } from "./call.ts";
import { HttpRequestSlot } from "./http-request.ts";

const field = "grpc-previous-rpc-attempts";

/** What the caller says of its own attempts. */
export function callersAttempts({ metadata }: Call): number {
  const text = metadata.get(field);
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : 0;
}

/** @param earlier the caller's attempts and ours */
export function tellEarlierAttempts(call: Call, earlier: number): void {
  // Not said to servers of plain HTTP, which have no such field.
  if (earlier === 0 || (call.hasSlots && call.slots.get(HttpRequestSlot) !== undefined)) return;
  const { hopFields = [] } = call;
  const at = hopFields.indexOf(field);
  call.metadata.delete(field);
  call.hopFields = [...(at < 0 ? hopFields : hopFields.toSpliced(at, 2)), field, String(earlier)];
}
