/** How the calls of one configuration are traced, and the client spans of its upstream. */
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

/**
 * @param upstream what it speaks as a URL's scheme, and where it is, unless an attempt goes to a host of its own
 * @returns what puts a client span around each attempt; nothing where none are recorded
 */
export function attempting(
  { scheme, host, port }: { readonly scheme: string; readonly host: string; readonly port: number | undefined },
  { random, clock }: ProcessServices,
  { recorder, propagation, samplingRatio }: Tracing,
): (handler: Handler) => Handler {
  if (recorder === undefined) return (handler) => handler;
  const speaks = scheme.startsWith("http") ? "http" : scheme.startsWith("connect") ? "connect" : "grpc";
  const options = {
    recorder,
    propagation: new Propagation(propagation, new RatioSampler(samplingRatio)),
    random,
    clock,
    upstream: { upstream: speaks, address: host, port },
  } as const;
  return (handler) => withClientSpans(handler, options);
}
