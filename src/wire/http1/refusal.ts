/**
 * A request that the connection layer answers by itself, and the answer: the house's error envelope as JSON.
 *
 * After a refusal the connection is closed: what follows a request that could not be read cannot be told from its body.
 */
import { Buffer } from "node:buffer";
import { reasons, type Reason } from "../../core/reasons.ts";

export interface Refusal {
  readonly status: number;
  readonly reason: Reason;
  readonly message: string;
}

/** @param status where it is not the reason's own */
export function refusal(reason: Reason, message: string, status: number = reasons[reason].httpStatus): Refusal {
  return { status, reason, message };
}

export const refusalHeaders: readonly string[] = Object.freeze(["content-type", "application/json"]);

export function refusalBody({ reason, message }: Refusal): Uint8Array {
  const info = { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "dragoman" };
  return Buffer.from(JSON.stringify({ code: reasons[reason].code, message, details: [info] }));
}
