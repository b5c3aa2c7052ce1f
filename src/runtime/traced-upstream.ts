/** How the calls of one configuration are traced, and the client spans of its upstream. */
import { isRest, parseUpstream } from "../config/addresses.ts";
import type { Config } from "../config/schema.ts";
import type { Handler } from "../core/handler.ts";
import { withClientSpans } from "../telemetry/client-spans.ts";
import { Propagation } from "../telemetry/propagation.ts";
import { RatioSampler } from "../telemetry/sampler.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { ProcessServices } from "./process-services.ts";

export function tracingOf({ telemetry }: Pick<Config, "telemetry">, services: ProcessServices): Tracing {
  const { otlp, tracesBytes, samplingRatio, propagation } = telemetry;
  return { samplingRatio, propagation, recorder: otlp !== undefined || tracesBytes > 0 ? services.telemetry.recorder : undefined };
}

/** @returns what puts a client span around each attempt; nothing where none are recorded */
export function attempting(
  { inbound }: Pick<Config, "inbound">,
  { random, clock }: ProcessServices,
  { recorder, propagation, samplingRatio }: Tracing,
): (handler: Handler) => Handler {
  if (recorder === undefined) return (handler) => handler;
  const upstream = parseUpstream(inbound.upstream);
  const { scheme, host: address, port } = upstream;
  const options = {
    recorder,
    propagation: new Propagation(propagation, new RatioSampler(samplingRatio)),
    random,
    clock,
    upstream: { upstream: isRest(upstream) ? "http" : scheme.startsWith("connect") ? "connect" : "grpc", address, port },
  } as const;
  return (handler) => withClientSpans(handler, options);
}
