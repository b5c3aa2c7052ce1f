/**
 * Carries the caller's trace on to the next hop, and begins one where there is none; records the server span of calls that are sampled.
 *
 * The trap: spans are recorded only where somebody takes them. Without, this hop still has an id of its own, so that the upstream's spans
 * hang under it, and the access log has the trace id. What a caller sent that breaks the rules is not passed on.
 */
import * as z from "zod/mini";
import type { Call } from "../core/call.ts";
import type { Handler } from "../core/handler.ts";
import { IdentityCache } from "../core/identity-cache.ts";
import { Propagation, type IncomingTrace } from "../telemetry/propagation.ts";
import { RatioSampler } from "../telemetry/sampler.ts";
import { ServerSpans } from "../telemetry/server-spans.ts";
import { isSampled, SentTraceparent } from "../telemetry/trace-context.ts";
import { definePolicy, described, percent } from "./policy.ts";

export const trace = definePolicy({
  kind: "trace",
  scope: "call",
  summary: "Propagates trace context and baggage, begins a trace where the caller sent none, and records sampled calls.",
  enabled: "default",
  seesRefusals: true,
  shorthand: "sampling",
  config: z.strictObject({
    sampling: described(
      z.optional(percent),
      "Share of the traces begun here that are sampled; `telemetry.sampling` unless set. A caller's own decision is never changed.",
    ),
  }),
  create({ samplingRatio }, { random, clock, tracing }) {
    const { recorder } = tracing;
    const propagation = new Propagation(tracing.propagation, new RatioSampler(samplingRatio ?? tracing.samplingRatio));
    const incoming = new IdentityCache<readonly string[], IncomingTrace>(16);

    return (next: Handler): Handler => {
      const spans = recorder === undefined ? undefined : new ServerSpans(recorder, clock);
      return (call: Call) => {
        const { flat } = call.metadata;
        const from = incoming.get(flat) ?? incoming.set(flat, propagation.read(flat));
        const place = propagation.next(from, random);
        if (from.metadata !== flat) call.metadata.replaceBy(from.metadata);
        const sent = propagation.fields(place, from.parent, from);
        call.hopFields = sent;
        call.slots.set(SentTraceparent, place);
        if (spans !== undefined && isSampled(place)) spans.begin(call, place, from, sent);
        return next(call);
      };
    };
  },
});
