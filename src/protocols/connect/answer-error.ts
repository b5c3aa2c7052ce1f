/** What an upstream meant that should have spoken Connect and did not. */
import { CallError, type CallErrorOptions } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import { codeOfHttpStatus } from "../shared/http-status.ts";

/** An HTTP status without error JSON (connectrpc.com/docs/protocol, "HTTP to Error Code"). */
export function errorOfHttpStatus(httpStatus: number, options: Pick<CallErrorOptions, "metadata" | "trailers"> = {}): CallError {
  return new CallError("UPSTREAM_PROTOCOL", `the upstream answered HTTP ${httpStatus} without a Connect error`, {
    ...options,
    source: "upstream",
    code: codeOfHttpStatus(httpStatus),
  });
}

/** A success of another content type: of another codec it is a Connect server's fault, of anything else nobody knows whose. */
export function errorOfContentType(contentType: string, expected: string): CallError {
  const said = contentType === "" ? "no content type" : JSON.stringify(contentType.slice(0, 100));
  return new CallError("UPSTREAM_PROTOCOL", `the upstream answered ${said} where ${expected} was expected`, {
    source: "upstream",
    code: contentType.startsWith(expected.slice(0, expected.search(/[/+][^/+]*$/) + 1)) ? Code.INTERNAL : Code.UNKNOWN,
  });
}
