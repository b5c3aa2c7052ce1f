/**
 * gRPC codes <-> HTTP statuses (../shared/kits/grpc/status_mapping.json restates the tables; google/rpc/code.proto,
 * grpc/grpc doc/http-grpc-status-mapping.md).
 *
 * The trap: the two directions are not inverse. The second is for peers that should have spoken gRPC and did not.
 */
import { Code } from "../../core/code.ts";

export { codeOfBackendStatus, httpStatusOfCode } from "../../core/code.ts";

/** What an answer without `grpc-status` means by its HTTP status alone. */
export function codeOfHttpStatus(status: number): Code {
  switch (status) {
    case 400:
      return Code.INTERNAL;
    case 401:
      return Code.UNAUTHENTICATED;
    case 403:
      return Code.PERMISSION_DENIED;
    case 404:
      return Code.UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
      return Code.UNAVAILABLE;
    default:
      return Code.UNKNOWN;
  }
}
