/**
 * Carries the caller's trace on to the next hop (W3C Trace Context and Baggage), and begins one where there is none.
 *
 * The trap: it records no span. It gives this hop an id of its own, so that the upstream's spans hang under it, and hands the trace id to
 * the access log. What a caller sent that breaks the rules is not passed on.
 */
import * as z from "zod/mini";
import type { Call } from "../core/call.ts";
import type { Handler } from "../core/handler.ts";
import type { Metadata } from "../core/metadata.ts";
import {
  combineBaggage,
  combineTracestate,
  continueTraceparent,
  isTraceparent,
  newTraceparent,
  SentTraceparent,
} from "../telemetry/trace-context.ts";
import { definePolicy, percent, setting } from "./policy.ts";

export const trace = definePolicy({
  kind: "trace",
  scope: "call",
  summary: "Propagates W3C trace context and baggage; begins a trace where the caller sent none.",
  enabled: "default",
  seesRefusals: true,
  config: z.strictObject({
    sampling: setting(
      percent,
      "100%",
      "Share of the traces begun here that are marked as sampled. A caller's own decision is never changed.",
    ),
  }),
  create({ samplingRatio }, { random }) {
    const threshold = Math.round(samplingRatio * 2 ** 32);

    function sentOn(metadata: Metadata): string {
      const { flat } = metadata;
      let parent: string | undefined;
      let parents = 0;
      let others = false;
      for (let i = 0; i < flat.length; i += 2) {
        const name = flat[i]!;
        if (name === "traceparent") {
          parents++;
          parent = flat[i + 1]!;
        } else if (name === "tracestate" || name === "baggage") others = true;
      }
      const valid = parents === 1 && isTraceparent(parent!);
      const sent = valid ? continueTraceparent(parent!, random) : newTraceparent(random, random.uint32() < threshold);
      if (parents === 0) metadata.append("traceparent", sent);
      else metadata.set("traceparent", sent);
      if (others) carryOthers(metadata, valid);
      return sent;
    }

    return (next: Handler): Handler =>
      (call: Call) => {
        call.slots.set(SentTraceparent, sentOn(call.metadata));
        return next(call);
      };
  },
});

/** `tracestate` belongs to the trace it came with; `baggage` stands alone. */
function carryOthers(metadata: Metadata, continued: boolean): void {
  replace(metadata, "tracestate", continued ? combineTracestate(metadata.getAll("tracestate")) : undefined);
  replace(metadata, "baggage", combineBaggage(metadata.getAll("baggage")));
}

function replace(metadata: Metadata, name: string, value: string | undefined): void {
  if (value === undefined) metadata.delete(name);
  else metadata.set(name, value);
}
