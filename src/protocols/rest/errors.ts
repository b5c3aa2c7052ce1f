/**
 * CallError -> HTTP status and `google.rpc.Status` as JSON: the one envelope, whoever failed.
 *
 * The trap: details of an upstream may be of types the schema does not hold. They are kept as `@type` and base64 `value`, never dropped.
 */
import type { CallError, ErrorDetail } from "../../core/call-error.ts";
import { CodecError } from "../../core/message-type.ts";
import type { MessageType } from "../../core/message-type.ts";
import { httpStatusOfCode } from "../shared/http-status.ts";
import { errorDomain } from "../shared/rpc-status.ts";

export type ResolveType = (name: string) => MessageType | undefined;

export function httpStatusOf(error: CallError): number {
  return error.httpStatus ?? httpStatusOfCode(error.code);
}

/** `{"code":…,"message":…,"details":[…]}` in UTF-8. */
export function errorBody(error: CallError, resolve: ResolveType): Buffer {
  const details = error.reason === "UPSTREAM_STATUS" ? [] : ownDetails(error);
  for (const detail of error.details) details.push(detailJson(detail, resolve));
  return Buffer.from(`{"code":${error.code},"message":${JSON.stringify(error.message)},"details":[${details.join(",")}]}`);
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

function detailJson({ typeUrl, value }: ErrorDetail, resolve: ResolveType): string {
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
