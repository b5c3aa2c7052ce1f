/** How calls are traced, as far as the configuration says. */
import type { SpanRecorder } from "./otlp/span-recorder.ts";
import type { PropagationFormat } from "./propagation.ts";

export interface Tracing {
  /** Share of the traces begun here that are sampled, unless the policy says otherwise. */
  readonly samplingRatio: number;
  readonly propagation: readonly PropagationFormat[];
  /** Where spans go; undefined where nobody wants any, and then none are made. */
  readonly recorder: SpanRecorder | undefined;
}

/** Trace context alone: nobody wants spans. */
export const untraced: Tracing = Object.freeze({ samplingRatio: 1, propagation: ["w3c"] as const, recorder: undefined });
