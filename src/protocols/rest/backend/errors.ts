/**
 * An HTTP status and body of a REST backend -> the error of the call (SEMANTICS A1.18).
 *
 * A `google.rpc.Status` as JSON says it all, in any of the forms it is served in; of any other body a short piece becomes the message. The trap:
 * all of it ends up in headers of a gRPC answer, so message and details are bounded, however much the backend sent.
 */
import { CallError, type ErrorDetail } from "../../../core/call-error.ts";
import { Code, codeFromNumber, type Code as StatusCode, type CodeName } from "../../../core/code.ts";
import { CodecError, canonicalJson, type JsonProfile, type MessageType } from "../../../core/message-type.ts";
import type { Metadata } from "../../../core/metadata.ts";
import { errorDetailType } from "../../shared/error-details.ts";
import { codeOfBackendStatus } from "../../shared/http-status.ts";
import { structOf } from "./json-struct.ts";

/** The message type of a name, as the service's schema has it. */
export type TypeResolver = (name: string) => MessageType | undefined;

/** Of a body that is not a status. */
const excerptCharacters = 256;
const messageCharacters = 4096;
const detailsBytes = 24 << 10;
const maxDetails = 64;
const typePrefix = "type.googleapis.com/";
const lenient: JsonProfile = Object.freeze({ ...canonicalJson, ignoreUnknown: true });

export interface BackendFailure {
  readonly status: number;
  readonly contentType: string | undefined;
  /** As much of it as was read. */
  readonly body: Uint8Array;
  readonly metadata: Metadata;
  readonly trailers: Metadata;
}

export function errorOfBackend({ status, contentType, body, metadata, trailers }: BackendFailure, resolve: TypeResolver): CallError {
  const json = parsed(body);
  const said = json === undefined ? undefined : statusOf(json, resolve);
  const code = said?.code ?? codeOfBackendStatus(status);
  const message = said?.message ?? messageIn(json) ?? excerpt(status, contentType, body);
  return new CallError("UPSTREAM_STATUS", bounded(message, messageCharacters), {
    source: "upstream",
    code,
    httpStatus: status,
    details: withRetryInfo(said?.details ?? [], metadata),
    metadata: metadata.size === 0 ? undefined : metadata,
    trailers,
  });
}

/** The error that the last record of a stream is: a status, or whatever stands under `error`. */
export function errorOfRecord(record: Uint8Array, resolve: TypeResolver): CallError {
  const json = parsed(record);
  const said = json === undefined ? undefined : statusOf(json, resolve);
  const message = said?.message ?? messageIn(json) ?? "the upstream ended its answer with an error";
  const { code = Code.UNKNOWN, details = [] } = said ?? {};
  return new CallError("UPSTREAM_STATUS", bounded(message, messageCharacters), { source: "upstream", code, details });
}

type JsonObject = Readonly<Record<string, unknown>>;

interface SaidStatus {
  readonly code: StatusCode | undefined;
  readonly message: string | undefined;
  readonly details: readonly ErrorDetail[];
}

/**
 * `{"code": 5, "message": ..., "details": [...]}` (google.rpc.Status), the same below `error` and with a `status` by name (Google's REST APIs),
 * or with the code by name (Connect).
 */
function statusOf(json: JsonObject, resolve: TypeResolver): SaidStatus | undefined {
  const { error } = json;
  const said = isObject(error) ? error : json;
  const { message, details } = said;
  const code = codeNamed(said["status"]) ?? codeNamed(said["code"]) ?? codeNumbered(said["code"]);
  // A number alone may be anybody's.
  if (!isObject(error) && (code === undefined || (typeof message !== "string" && !Array.isArray(details)))) return undefined;
  return {
    code,
    message: typeof message === "string" ? message : undefined,
    details: Array.isArray(details) ? detailsOf(details, resolve) : [],
  };
}

function codeNumbered(code: unknown): StatusCode | undefined {
  return typeof code === "number" && Number.isInteger(code) && code > 0 && code <= 16 ? codeFromNumber(code) : undefined;
}

/** "NOT_FOUND" or "not_found", and Connect's one "l" of "canceled". */
function codeNamed(name: unknown): StatusCode | undefined {
  if (typeof name !== "string" || name.length > 32) return undefined;
  const upper = name.toUpperCase();
  const known = upper === "CANCELED" ? "CANCELLED" : upper;
  return Object.hasOwn(Code, known) && known !== "OK" ? Code[known as CodeName] : undefined;
}

/** The fields in which the other usual forms say what happened; `detail` and `title` are those of RFC 9457. */
function messageIn(json: JsonObject | undefined): string | undefined {
  if (json === undefined) return undefined;
  for (const name of ["message", "detail", "title", "error_description", "error"]) {
    const value = json[name];
    if (typeof value === "string" && value !== "") return bounded(value, excerptCharacters * 4);
  }
  return undefined;
}

/** Of text and JSON the beginning; a page of HTML says nothing to a program. */
function excerpt(status: number, contentType: string | undefined, body: Uint8Array): string {
  const what = `the upstream answered HTTP ${status}`;
  const type = (contentType ?? "").replace(/\s*;.*$/s, "").toLowerCase();
  const readable = type === "" || type === "text/plain" || /[/+]json$/.test(type);
  const text = readable ? printable(Buffer.from(body.subarray(0, excerptCharacters * 4)).toString("utf8")) : "";
  if (text !== "") return `${what}: ${bounded(text, excerptCharacters)}`;
  return body.length === 0 || readable ? what : `${what} (${bounded(printable(type), 64)})`;
}

function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
}

function bounded(text: string, characters: number): string {
  return text.length <= characters
    ? text
    : `${text
        .slice(0, characters)
        .toWellFormed()
        .replace(/\ufffd$/, "")}…`;
}

function parsed(body: Uint8Array): JsonObject | undefined {
  if (body[0] !== 0x7b && !/^[\s\ufeff]*\{/.test(Buffer.from(body.subarray(0, 64)).toString("utf8"))) return undefined;
  try {
    const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8");
    const json = JSON.parse(text.replace(/^\ufeff/, "")) as unknown;
    return isObject(json) ? json : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // then it is text
    throw error;
  }
}

function detailsOf(list: readonly unknown[], resolve: TypeResolver): ErrorDetail[] {
  const details: ErrorDetail[] = [];
  let size = 0;
  for (const each of list.slice(0, maxDetails)) {
    const detail = isObject(each) ? detailOf(each, resolve) : undefined;
    if (detail === undefined) continue;
    size += detail.typeUrl.length + detail.value.length;
    if (size > detailsBytes) break;
    details.push(detail);
  }
  return details;
}

/** An Any as JSON; what nobody knows is kept as bytes where it came as bytes, else as a google.protobuf.Struct. */
function detailOf(json: JsonObject, resolve: TypeResolver): ErrorDetail | undefined {
  const { "@type": typeUrl, ...rest } = json;
  if (typeof typeUrl !== "string") return connectDetail(json) ?? structOf(json);
  const name = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  const { value } = rest;
  const only = Object.keys(rest).length === 1;
  const type = resolve(name) ?? errorDetailType(name);
  if (type !== undefined) {
    const content = only && "value" in rest && name.startsWith("google.protobuf.") ? value : rest;
    try {
      return { typeUrl, value: Uint8Array.from(type.codec(lenient).jsonToWire(Buffer.from(JSON.stringify(content)))) };
    } catch (error) {
      // Then it is kept as it came. (A RangeError: nested too deep to be written again.)
      if (!(error instanceof CodecError || error instanceof RangeError)) throw error;
    }
  }
  if (only && isBase64(value)) return { typeUrl, value: Buffer.from(value, "base64") };
  return structOf(json);
}

/** connectrpc.com/docs/protocol, "Error End-of-Stream": `{"type": "google.rpc.RetryInfo", "value": <base64>}`. */
function connectDetail({ type, value }: JsonObject): ErrorDetail | undefined {
  return typeof type === "string" && isBase64(value) ? { typeUrl: typePrefix + type, value: Buffer.from(value, "base64") } : undefined;
}

/** `retry-after` in seconds as google.rpc.RetryInfo, for callers who look there. */
function withRetryInfo(details: readonly ErrorDetail[], metadata: Metadata): readonly ErrorDetail[] {
  const seconds = metadata.get("retry-after");
  const typeUrl = `${typePrefix}google.rpc.RetryInfo`;
  if (seconds === undefined || !/^\d{1,8}$/.test(seconds) || details.some((detail) => detail.typeUrl === typeUrl)) return details;
  const json = JSON.stringify({ retryDelay: `${Number(seconds)}s` });
  return [...details, { typeUrl, value: Uint8Array.from(errorDetailType("google.rpc.RetryInfo")!.codec().jsonToWire(Buffer.from(json))) }];
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function isBase64(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value);
}
