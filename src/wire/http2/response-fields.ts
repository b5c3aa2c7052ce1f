/** A decoded header block read as a response (RFC 9113, section 8.3.2); remembered by the list's identity like requests are. */
import { isConnectionField, isFieldName, isFieldValue, parseContentLength } from "./field-rules.ts";
import { sharedList } from "../shared-lists.ts";

export interface ResponseFields {
  readonly status: number;
  readonly headers: readonly string[];
  /** -1 when not declared. */
  readonly contentLength: number;
}

const known = new WeakMap<readonly string[], ResponseFields | string>();

/** @returns what is wrong, as text, when the response is malformed. */
export function readResponse(fields: readonly string[], repeats: boolean): ResponseFields | string {
  if (!repeats) return readFields(fields);
  const seen = known.get(fields);
  if (seen !== undefined) return seen;
  const read = readFields(fields);
  const kept = typeof read === "string" ? read : { ...read, headers: sharedList(read.headers) };
  known.set(fields, kept);
  return kept;
}

function readFields(fields: readonly string[]): ResponseFields | string {
  const status = fields[0] === ":status" ? fields[1]! : "";
  if (status.length !== 3 || parseContentLength(status) < 100) return "malformed :status";
  let contentLength = -1;
  for (let i = 2; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    if (!isFieldName(name)) return "malformed field name";
    if (!isFieldValue(value)) return `malformed value of ${name}`;
    if (isConnectionField(name)) return `${name}, which belongs to HTTP/1.1`;
    if (name !== "content-length") continue;
    const length = parseContentLength(value);
    if (length < 0 || (contentLength >= 0 && contentLength !== length)) return "malformed content-length";
    contentLength = length;
  }
  return { status: Number(status), headers: fields.slice(2), contentLength };
}
