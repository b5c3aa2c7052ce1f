/** How a call ended: code, message and trailers; for a failure the error that carries reason and details. */
import type { CallError } from "./call-error.ts";
import { Code } from "./code.ts";
import { Metadata } from "./metadata.ts";

export interface Status {
  readonly code: Code;
  readonly message: string;
  readonly trailers: Metadata;
  readonly error?: CallError;
}

const ok: Status = Object.freeze({ code: Code.OK, message: "", trailers: Metadata.empty });

/** Success. Shared when there are no trailers, because nearly every call ends so. */
export function okStatus(trailers: Metadata = Metadata.empty): Status {
  return trailers === Metadata.empty ? ok : { code: Code.OK, message: "", trailers };
}

export function statusOf(error: CallError): Status {
  return { code: error.code, message: error.message, trailers: error.trailers, error };
}
