/**
 * What the authorization server's answer does: to the call's metadata when it says yes, to the refusal when it says no.
 *
 * The trap: it may not touch what carries the call (framing, `host`, `grpc-` and `:` fields); such a line is skipped, as Envoy does.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { Code, codeFromNumber } from "../../core/code.ts";
import type { CheckResponse, HeaderOption } from "../../identity/authorization-api.ts";

const name = /^[0-9a-z_.-]{1,256}$/;
const carries =
  /^(grpc-.*|host|content-(type|length|encoding)|transfer-encoding|connection|keep-alive|te|trailer|upgrade|proxy-connection)$/;
const notText = /[^\x20-\x7e]/;
const longestMessage = 1024;
const appendIfExistsOrAdd = 0;
const addIfAbsent = 1;
const overwriteIfExists = 3;

/** As the API's HTTP statuses are told in RPCs (grpc/grpc doc/http-grpc-status-mapping.md, and what it leaves open). */
const codes: Readonly<Record<number, Code>> = {
  400: Code.INVALID_ARGUMENT,
  401: Code.UNAUTHENTICATED,
  403: Code.PERMISSION_DENIED,
  404: Code.NOT_FOUND,
  409: Code.ABORTED,
  429: Code.RESOURCE_EXHAUSTED,
  500: Code.INTERNAL,
  502: Code.UNAVAILABLE,
  503: Code.UNAVAILABLE,
  504: Code.UNAVAILABLE,
};

/** The refusal that the answer is; undefined when the call may be made. */
export function refusalOf({ status, deniedResponse }: CheckResponse): CallError | undefined {
  const code = status?.code ?? Code.OK;
  if (code === Code.OK && deniedResponse === undefined) return undefined;
  const given = deniedResponse?.status?.code;
  const httpStatus = given !== undefined && given >= 400 && given <= 599 ? given : undefined;
  const message = (deniedResponse?.body ?? "").trim() || (status?.message ?? "");
  const headers = (deniedResponse?.headers ?? []).flatMap((option) => {
    const field = fieldOf(option);
    return field === undefined ? [] : [field.key, field.value];
  });
  const ownCode = code === Code.OK || deniedResponse !== undefined ? Code.PERMISSION_DENIED : codeFromNumber(code);
  return new CallError("EXTERNAL_AUTH_DENIED", message === "" ? undefined : message.slice(0, longestMessage), {
    source: "caller",
    code: httpStatus === undefined ? ownCode : (codes[httpStatus] ?? Code.PERMISSION_DENIED),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    headers,
  });
}

export function applyTo({ metadata }: Call, { okResponse }: CheckResponse): void {
  for (const given of okResponse?.headersToRemove ?? []) {
    const key = given.toLowerCase();
    if (!carries.test(key)) metadata.delete(key);
  }
  for (const option of okResponse?.headers ?? []) {
    const field = fieldOf(option);
    if (field === undefined) continue;
    const { key, value } = field;
    const action = option.append === true ? "append" : option.append === false ? "set" : (option.appendAction ?? appendIfExistsOrAdd);
    if (action === "append") metadata.append(key, value);
    else if (action === addIfAbsent) {
      if (!metadata.has(key)) metadata.append(key, value);
    } else if (action !== overwriteIfExists || metadata.has(key)) metadata.set(key, value);
  }
}

function fieldOf({ header }: HeaderOption): { readonly key: string; readonly value: string } | undefined {
  const key = header?.key?.toLowerCase() ?? "";
  const value = header?.value ?? Buffer.from(header?.rawValue ?? "", "base64").toString("latin1");
  return !name.test(key) || carries.test(key) || notText.test(value) ? undefined : { key, value };
}
