/**
 * A plain HTTP request as a Call: its body is a stream of opaque chunks, its method stands for the HTTP method, and the rest is here.
 *
 * The trap: paths are the caller's to invent, so they are no part of the method's name; metrics and log lines know `http/GET` and no more.
 */
import type { Method } from "../../core/method.ts";
import { slot } from "../../core/slots.ts";
import { opaqueMethod } from "../shared/opaque-type.ts";

export interface HttpAnswer {
  readonly status: number;
  /** -1 when it is not declared. */
  readonly contentLength: number;
}

/** Set by the outbound side before its reply. */
export const HttpAnswerSlot = slot<HttpAnswer>("http.answer");

const idempotency: Readonly<Record<string, Method["idempotency"]>> = {
  GET: "no-side-effects",
  HEAD: "no-side-effects",
  OPTIONS: "no-side-effects",
  PUT: "idempotent",
  DELETE: "idempotent",
  POST: "unknown",
  PATCH: "unknown",
};
const methods = new Map(Object.keys(idempotency).map((name) => [name, makeMethod(name, idempotency[name]!)]));
const other = makeMethod("other", "unknown");

/** Paths of all methods that {@link httpMethod} gives. */
export const httpMethodPaths: readonly string[] = [...methods.values(), other].map(({ path }) => path);

export function httpMethod(name: string): Method {
  return methods.get(name) ?? other;
}

export function isHttpMethod({ service }: Method): boolean {
  return service === "http";
}

function makeMethod(name: string, safety: Method["idempotency"]): Method {
  return { ...opaqueMethod(`/http/${name}`), idempotency: safety };
}
