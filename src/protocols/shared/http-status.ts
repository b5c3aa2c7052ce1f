/**
 * gRPC codes <-> HTTP statuses (../shared/kits/grpc/status_mapping.json restates the tables; google/rpc/code.proto,
 * grpc/grpc doc/http-grpc-status-mapping.md).
 *
 * The trap: the two directions are not inverse. The second is for peers that should have spoken gRPC and did not.
 */
import { Code } from "../../core/code.ts";

export { httpStatusOfCode } from "../../core/code.ts";

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

/** What a REST backend means by its HTTP status. For peers that should have spoken gRPC there is the other table. */
export function codeOfBackendStatus(status: number): Code {
  switch (status) {
    case 400:
    case 415:
    case 422:
      return Code.INVALID_ARGUMENT;
    case 401:
      return Code.UNAUTHENTICATED;
    case 403:
      return Code.PERMISSION_DENIED;
    case 404:
    case 410:
      return Code.NOT_FOUND;
    case 409:
      return Code.ABORTED;
    case 412:
      return Code.FAILED_PRECONDITION;
    case 416:
      return Code.OUT_OF_RANGE;
    case 413:
    case 429:
      return Code.RESOURCE_EXHAUSTED;
    case 499:
      return Code.CANCELLED;
    case 500:
      return Code.INTERNAL;
    case 405:
    case 501:
      return Code.UNIMPLEMENTED;
    case 502:
    case 503:
      return Code.UNAVAILABLE;
    case 408:
    case 504:
      return Code.DEADLINE_EXCEEDED;
    default:
      return Code.UNKNOWN;
  }
}
