/** Connect's error JSON and end-of-stream message, read by the protocol's page alone (connectrpc.com/docs/protocol). */
import { detailOf, encode, type Detail } from "./messages.ts";
import type { Failure, Observed } from "./script.ts";

/** Connect spells gRPC's names in lower case, and the first one with one "l". */
const names =
  "ok canceled unknown invalid_argument deadline_exceeded not_found already_exists permission_denied resource_exhausted failed_precondition aborted out_of_range unimplemented internal unavailable data_loss unauthenticated".split(
    " ",
  );

interface ErrorJson {
  readonly code: string;
  readonly message?: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

export function connectFailure({ code, message = "", details = [] }: ErrorJson): Pick<Observed, "code" | "message" | "details"> {
  return {
    code: names.indexOf(code),
    message,
    details: details.map(({ type, value }): Detail => {
      if (value.includes("=")) throw new Error(`a detail's value is unpadded: ${value}`);
      return detailOf(type, Buffer.from(value, "base64"));
    }),
  };
}

/** The other way. */
export function connectErrorOf({ code, message, details }: Failure): ErrorJson {
  const bare = details.map(({ "@type": url, ...fields }) => {
    const type = url.slice(url.lastIndexOf("/") + 1);
    return { type, value: encode(type, fields).toString("base64").replace(/=+$/, "") };
  });
  return { code: names[code]!, message, details: bare };
}

export function connectEnd(bytes: Uint8Array): Pick<Observed, "code" | "message" | "details" | "trailers"> {
  const { error, metadata = {} } = JSON.parse(Buffer.from(bytes).toString()) as { error?: ErrorJson; metadata?: Record<string, string[]> };
  const trailers = Object.fromEntries(Object.entries(metadata).map(([name, values]) => [name.toLowerCase(), values.join(", ")]));
  return { ...(error === undefined ? { code: 0, message: "", details: [] } : connectFailure(error)), trailers };
}

/** Fields whose names begin with "trailer-", without that. */
export function trailerFields(headers: Readonly<Record<string, string>>): Record<string, string> {
  const trailers = Object.entries(headers).filter(([name]) => name.startsWith("trailer-"));
  return Object.fromEntries(trailers.map(([name, value]) => [name.slice("trailer-".length), value]));
}
