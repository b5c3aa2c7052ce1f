/**
 * X-HTTP-Method-Override: a POST that stands for another method, for clients and middle boxes that know few. Off unless configured.
 *
 * The trap: a form that stands for a request without a body is that request's query. So a query is sent that is too long for a URL, and so
 * grpc-gateway takes it.
 */
import { Buffer } from "node:buffer";
import { CallError } from "../../core/call-error.ts";
import type { RequestHead } from "../../wire/exchange.ts";

const header = "x-http-method-override";

/** The method that is meant. @throws CallError BAD_REQUEST */
export function overridingMethod({ method, headers }: RequestHead): string {
  const meant = method === "POST" ? headers.get(header) : undefined;
  if (meant === undefined) return method;
  if (!/^[A-Za-z]{1,32}$/.test(meant))
    throw new CallError("BAD_REQUEST", `header ${header}: ${JSON.stringify(meant.slice(0, 64))} is no HTTP method`, { source: "caller" });
  return meant.toUpperCase();
}

/** Whether the body of a request with this content type can be a query. */
export function isForm(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType);
}

/** `target` with the form behind its query. @param form its bytes; those above U+007F stay bytes, as in any target */
export function withQuery(target: string, form: Uint8Array): string {
  if (form.length === 0) return target;
  const text = Buffer.from(form.buffer, form.byteOffset, form.length).toString("latin1");
  return `${target}${target.includes("?") ? "&" : "?"}${text}`;
}
