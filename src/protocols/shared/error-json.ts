/**
 * `google.rpc.Status` as JSON: what a failed call looks like to whoever speaks JSON.
 *
 * The trap: details of an upstream may be of types the schema does not hold. They are kept as `@type` and base64 `value`, never dropped.
 */
import { CallError, type ErrorDetail } from "../../core/call-error.ts";
import { CodecError } from "../../core/message-type.ts";
import type { MessageType } from "../../core/message-type.ts";
import type { Status } from "../../core/status.ts";
import type { Catalogue } from "../protocol.ts";
import { errorDetailType } from "./error-details.ts";
import { errorDomain } from "./rpc-status.ts";

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
