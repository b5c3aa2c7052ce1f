/**
 * Durations of calls under the names of semantic conventions (1.45, "RPC metrics"): `rpc.server.call.duration`.
 *
 * The trap: names that nobody knows are `_OTHER` there, and a code is an error only when the server is at fault.
 */
import { Code, type CodeName } from "../core/code.ts";
import { otherMethods } from "./call-metrics.ts";
import { bucketBoundsSeconds } from "./duration-buckets.ts";
import type { Exemplar } from "./exemplars.ts";
import type { Labels } from "./metric-writer.ts";
import { attribute, ownAttribute } from "./semantic-conventions.ts";
import { isServerFault } from "./span-shapes.ts";

/** One bucket a power of two. */
export const rpcDurationBounds: readonly number[] = bucketBoundsSeconds.filter((_, at) => at % 2 === 0);

/** @param buckets two a power of two. @returns one */
export function halved(buckets: Float64Array): Float64Array {
  return Float64Array.from({ length: rpcDurationBounds.length + 1 }, (_, at) =>
    at === 0 ? buckets[0]! : (buckets[2 * at - 1] ?? 0) + (buckets[2 * at] ?? 0),
  );
}

export function halvedExemplars(exemplars: readonly (Exemplar | undefined)[]): (Exemplar | undefined)[] {
  return Array.from(
    { length: rpcDurationBounds.length + 1 },
    (_, at) => exemplars[2 * at] ?? (at === 0 ? undefined : exemplars[2 * at - 1]),
  );
}

export function rpcLabels(protocol: string, method: string, code: CodeName): Labels {
  const isConnect = protocol === "connect";
  const said = isConnect ? code.toLowerCase() : code;
  return {
    [attribute.rpcSystem]: isConnect ? "connectrpc" : "grpc",
    [attribute.rpcMethod]: method === otherMethods ? "_OTHER" : method,
    ...(isConnect && code === "OK" ? {} : { [attribute.rpcStatusCode]: said }),
    ...(isServerFault(Code[code]) ? { [attribute.errorType]: said } : {}),
    [ownAttribute.protocol]: protocol,
  };
}
