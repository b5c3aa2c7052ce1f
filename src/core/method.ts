/** One RPC method: its path, its types, its kind, and the HTTP bindings it was annotated with. */
import type { MessageType } from "./message-type.ts";

/** One `google.api.HttpRule`, without its additional bindings, which are listed beside it. */
export interface HttpBinding {
  /** "GET", "POST", a custom kind, or "*" for any. */
  readonly httpMethod: string;
  /** "/v1/{name=shops/*}/items:search" */
  readonly template: string;
  /** "*", the name of a field, or "" for no body. */
  readonly body: string;
  /** The response field that is the whole HTTP body, or "". */
  readonly responseBody: string;
}

export interface Method {
  /** "/shop.v1.Orders/Get" */
  readonly path: string;
  /** "shop.v1.Orders" */
  readonly service: string;
  /** "Get" */
  readonly name: string;
  readonly input: MessageType;
  readonly output: MessageType;
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
  /** Neither side streams. */
  readonly unary: boolean;
  readonly idempotency: "unknown" | "idempotent" | "no-side-effects";
  readonly http: readonly HttpBinding[];
}
