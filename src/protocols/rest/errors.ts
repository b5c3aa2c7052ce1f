/**
 * CallError -> HTTP status and `google.rpc.Status` as JSON: the one envelope, whoever failed.
 *
 * The trap: details of an upstream may be of types the schema does not hold. They are kept as `@type` and base64 `value`, never dropped.
 */
import { CallError, type ErrorDetail } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import { CodecError } from "../../core/message-type.ts";
import type { MessageType } from "../../core/message-type.ts";
import type { Status } from "../../core/status.ts";
import type { Exchange } from "../../wire/exchange.ts";
import type { Catalogue } from "../protocol.ts";
import { httpStatusOfCode } from "../shared/http-status.ts";
import { refuseInWords } from "../shared/refuse-in-words.ts";
import { errorDomain } from "../shared/rpc-status.ts";
import { errorDetailType, retryAfter } from "./error-details.ts";
import { addAnswerHeaders, isBodiless } from "./headers.ts";

/** Answers with an error, before anything else was written. */
export function writeError(error: CallError, x: Exchange, catalogue: Catalogue): void {
  x.body.cancel();
  if (error.reason === "UNSUPPORTED_MEDIA_TYPE" && isMethodPath(x.head.target, catalogue)) return refuseInWords(error, 415, x);
  const { metadata, trailers } = error;
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
function isMethodPath(target: string, { table }: Catalogue): boolean {
  const query = target.indexOf("?");
  return table?.byPath(query < 0 ? target : target.slice(0, query)) !== undefined;
}

/** The error a call ended with. */
export function errorOfStatus({ code, message, error }: Status): CallError {
  return error ?? new CallError("UPSTREAM_STATUS", message, { code, source: "upstream" });
}

/** `google.rpc.Status` as JSON: `{"code":…,"message":…,"details":[…]}`. */
export function errorJson(error: CallError, { table }: Catalogue): string {
  const details = error.reason === "UPSTREAM_STATUS" ? [] : ownDetails(error);
  for (const detail of error.details) details.push(detailJson(detail, (name) => table?.schema.message(name) ?? errorDetailType(name)));
  return `{"code":${error.code},"message":${JSON.stringify(error.message)},"details":[${details.join(",")}]}`;
}

function ownDetails(error: CallError): string[] {
  const info = { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: error.reason, domain: errorDomain };
  const details = [JSON.stringify(info)];
  if (error.violations.length > 0) {
    const fieldViolations = error.violations.map(({ field, description }) => ({ field, description }));
    details.push(JSON.stringify({ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations }));
  }
  return details;
}

function detailJson({ typeUrl, value }: ErrorDetail, resolve: (name: string) => MessageType | undefined): string {
  const name = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  const type = resolve(name);
  const typeField = `"@type":${JSON.stringify(typeUrl)}`;
  if (type !== undefined) {
    try {
      const json = Buffer.from(type.codec().wireToJson(value)).toString("utf8");
      // Types with a JSON form of their own (a Duration, say) stand under "value".
      if (name.startsWith("google.protobuf.") && name !== "google.protobuf.Empty") return `{${typeField},"value":${json}}`;
      return json === "{}" ? `{${typeField}}` : `{${typeField},${json.slice(1)}`;
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      // Bytes that do not fit their type are still the caller's to see.
    }
  }
  return `{${typeField},"value":${JSON.stringify(Buffer.from(value).toString("base64"))}}`;
}
