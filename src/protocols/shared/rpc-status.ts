/**
 * `google.rpc.Status`, `ErrorInfo` and `BadRequest` (google/rpc/status.proto, error_details.proto) as bytes, by hand: three tiny messages
 * that every error path needs and that must not cost a schema.
 */
import type { CallError, ErrorDetail } from "../../core/call-error.ts";
import { codeFromNumber, type Code } from "../../core/code.ts";

export const errorDomain = "dragoman";

const typePrefix = "type.googleapis.com/";

/** The details an error carries to the caller: the upstream's as they came; for our own, unless `plain`, why and where. */
export function detailsOf(error: CallError, plain = false): readonly ErrorDetail[] {
  if (plain || error.reason === "UPSTREAM_STATUS") return error.details;
  const details: ErrorDetail[] = [
    { typeUrl: `${typePrefix}google.rpc.ErrorInfo`, value: Buffer.concat([text(1, error.reason), text(2, errorDomain)]) },
  ];
  if (error.violations.length > 0) {
    const violations = error.violations.map(({ field, description }) => bytes(1, Buffer.concat([text(1, field), text(2, description)])));
    details.push({ typeUrl: `${typePrefix}google.rpc.BadRequest`, value: Buffer.concat(violations) });
  }
  return error.details.length === 0 ? details : details.concat(error.details);
}

export function encodeRpcStatus(code: Code, message: string, details: readonly ErrorDetail[]): Buffer {
  const anys = details.map(({ typeUrl, value }) => bytes(3, Buffer.concat([text(1, typeUrl), bytes(2, value)])));
  return Buffer.concat([Buffer.from([8, code]), text(2, message), ...anys]);
}

export interface RpcStatus {
  readonly code: Code;
  readonly message: string;
  readonly details: readonly ErrorDetail[];
}

/** Reads `google.rpc.Status`; undefined when the bytes are not one. */
export function decodeRpcStatus(status: Uint8Array): RpcStatus | undefined {
  try {
    let code = 0;
    let message = "";
    const details: ErrorDetail[] = [];
    for (const [number, value] of fieldsOf(status)) {
      if (number === 1 && typeof value === "number") code = value;
      else if (number === 2 && typeof value !== "number") message = Buffer.from(value).toString("utf8");
      else if (number === 3 && typeof value !== "number") details.push(decodeAny(value));
    }
    return { code: codeFromNumber(code), message, details };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function decodeAny(any: Uint8Array): ErrorDetail {
  let typeUrl = "";
  let content: Uint8Array = new Uint8Array(0);
  for (const [number, value] of fieldsOf(any)) {
    if (typeof value === "number") continue;
    if (number === 1) typeUrl = Buffer.from(value).toString("utf8");
    else if (number === 2) content = value;
  }
  return { typeUrl, value: content };
}

/** Field number and value (varint or bytes); fixed-width fields are skipped. @throws RangeError on broken bytes */
function* fieldsOf(message: Uint8Array): Generator<[number, number | Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++];
      if (byte === undefined || factor > 2 ** 63) throw new RangeError("truncated");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const wireType = tag % 8;
    const number = Math.floor(tag / 8);
    if (wireType === 0) yield [number, varint()];
    else if (wireType === 2) {
      const length = varint();
      if (at + length > message.length) throw new RangeError("truncated");
      yield [number, message.subarray(at, (at += length))];
    } else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else throw new RangeError("wire type");
  }
}

function text(number: number, value: string): Buffer {
  return bytes(number, Buffer.from(value, "utf8"));
}

function bytes(number: number, value: Uint8Array): Buffer {
  const head = [(number << 3) | 2];
  let length = value.length;
  for (; length > 127; length >>>= 7) head.push((length & 127) | 128);
  head.push(length);
  return Buffer.concat([Buffer.from(head), value]);
}
