/** CallError -> HTTP status, headers and `google.rpc.Status` as JSON: the one envelope, whoever failed. */
import type { CallError } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import type { Exchange } from "../../wire/exchange.ts";
import { methodAt, type Catalogue } from "../protocol.ts";
import { httpStatusOfCode } from "../shared/http-status.ts";
import { retryAfter } from "../shared/error-details.ts";
import { errorJson } from "../shared/error-json.ts";
import { refuseInWords } from "../shared/refuse-in-words.ts";
import { addAnswerHeaders, isBodiless } from "./headers.ts";

/**
 * Answers with an error, before anything else was written.
 * @param metadata that came before the error, where the error itself does not hold it
 */
export function writeError(error: CallError, x: Exchange, catalogue: Catalogue, metadata = error.metadata): void {
  x.body.cancel();
  if (error.reason === "UNSUPPORTED_MEDIA_TYPE" && isMethodPath(x.head.target, catalogue)) return refuseInWords(error, 415, x);
  const { trailers } = error;
  const headers = ["content-type", "application/json", ...error.headers];
  if (error.code === Code.UNAUTHENTICATED && !error.headers.includes("www-authenticate") && metadata?.has("www-authenticate") !== true)
    headers.push("www-authenticate", trailers.get("www-authenticate") ?? "Bearer");
  if (!error.headers.includes("retry-after") && metadata?.has("retry-after") !== true) {
    const seconds = retryAfter(error.details);
    if (seconds !== undefined) headers.push("retry-after", String(seconds));
  }
  if (metadata !== undefined) addAnswerHeaders(headers, metadata, "");
  addAnswerHeaders(headers, trailers, "trailer-");
  const status = error.httpStatus ?? httpStatusOfCode(error.code);
  if (isBodiless(status)) x.respond(status, headers.slice(2), undefined);
  else x.respond(status, headers, Buffer.from(errorJson(error, catalogue)));
}

/** The address of an RPC: whoever comes there with a form we do not read need not be a client of REST. */
function isMethodPath(target: string, catalogue: Catalogue): boolean {
  const query = target.indexOf("?");
  return methodAt(catalogue, query < 0 ? target : target.slice(0, query)) !== undefined;
}
