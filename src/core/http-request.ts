/** The request line of a call that is passed on as plain HTTP: what no Method can hold, because callers make it up. */
import { slot } from "./slots.ts";

export interface HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  /** -1 when it is not declared. */
  readonly contentLength: number;
  readonly acceptsTrailers: boolean;
}

/** Set by the inbound side. */
export const HttpRequestSlot = slot<HttpRequest>("http.request");
