/** What an upstream meant that should have spoken gRPC and did not: no `grpc-status` at all, or another content type. */
import { CallError } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import { codeOfHttpStatus } from "../shared/http-status.ts";

/** The error for an upstream that answered without `grpc-status`, or something that is not gRPC with protobuf. */
export function errorOfHttpStatus(httpStatus: number, isGrpc = true): CallError {
  if (httpStatus === 200) {
    const message = isGrpc ? "the upstream's answer ended without a status" : "the upstream's answer is not gRPC with protobuf";
    return new CallError("UPSTREAM_PROTOCOL", message, { source: "upstream", code: Code.UNKNOWN });
  }
  return new CallError("UPSTREAM_PROTOCOL", `the upstream answered HTTP ${httpStatus} without a gRPC status`, {
    source: "upstream",
    code: codeOfHttpStatus(httpStatus),
  });
}
