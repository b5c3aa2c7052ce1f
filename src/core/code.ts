/**
 * The seventeen gRPC status codes, the one vocabulary in which every protocol's outcome is expressed.
 *
 * A code from the wire that is not in the table is UNKNOWN (grpc/grpc doc/statuscodes.md); use {@link codeFromNumber}.
 */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type Code = (typeof Code)[keyof typeof Code];
export type CodeName = keyof typeof Code;

const names = Object.keys(Code) as CodeName[];

/** "NOT_FOUND" for 5. */
export function codeName(code: Code): CodeName {
  return names[code]!;
}

const httpStatuses: readonly number[] = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** The HTTP status that a code is answered with (google/rpc/code.proto). */
export function httpStatusOfCode(code: Code): number {
  return httpStatuses[code] ?? 500;
}

/** The code a peer meant by `value`; anything outside the table is UNKNOWN. */
export function codeFromNumber(value: number): Code {
  return Number.isInteger(value) && value >= 0 && value < names.length ? (value as Code) : Code.UNKNOWN;
}

/** What a REST backend means by its HTTP status. For peers that should have spoken gRPC there is a table of its own. */
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
