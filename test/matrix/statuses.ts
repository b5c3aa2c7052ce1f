/** Statuses as the documents have them: nothing here asks the code that is tested. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** gRPC's names by their numbers (google/rpc/code.proto). */
export const codeNames = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

/** The comment of google/rpc/code.proto says "HTTP Mapping" of each. */
const httpStatuses = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

export function httpStatusOfCode(code: number): number {
  return httpStatuses[code]!;
}

export function codeOf(name: string): number {
  const code = (codeNames as readonly string[]).indexOf(name);
  if (code < 0) throw new Error(`no gRPC code ${name}`);
  return code;
}

function page(name: string): string {
  return readFileSync(join(import.meta.dirname, "../../docs", name), "utf8");
}

let reasons: ReadonlyMap<string, { readonly code: number; readonly httpStatus: number }> | undefined;

/** What docs/reasons.md says of a reason. */
export function documented(reason: string): { readonly code: number; readonly httpStatus: number } {
  reasons ??= new Map(
    [...page("reasons.md").matchAll(/^\|.*`([A-Z_]+)`\s*\|\s*([A-Z_]+)\s*\|\s*(\d+)\s*\|/gm)].map(([, word, code, status]) => [
      word!,
      { code: codeOf(code!), httpStatus: Number(status) },
    ]),
  );
  const found = reasons.get(reason);
  if (found === undefined) throw new Error(`docs/reasons.md has no ${reason}`);
  return found;
}

let backendCodes: ReadonlyMap<number, number> | undefined;

/** The code that a backend means by an HTTP status: the table of docs/reverse.md. */
export function codeOfBackendStatus(status: number): number {
  backendCodes ??= new Map(
    [...page("reverse.md").matchAll(/^\| ([\d, ]+?)\s*\| ([A-Z_]+)\s*\|$/gm)].flatMap(([, statuses, name]) =>
      statuses!.split(", ").map((each): [number, number] => [Number(each), codeOf(name!)]),
    ),
  );
  return backendCodes.get(status) ?? codeOf("UNKNOWN");
}
