/**
 * Carries the caller's trace on to the next hop (W3C Trace Context and Baggage), and begins one where there is none.
 *
 * The trap: it records no span. It gives this hop an id of its own, so that the upstream's spans hang under it, and hands the trace id to
 * the access log. What a caller sent that breaks the rules is not passed on.
 */
import * as z from "zod/mini";
import type { Call } from "../core/call.ts";
import type { Handler } from "../core/handler.ts";
import { IdentityCache } from "../core/identity-cache.ts";
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
    const plans = new IdentityCache<readonly string[], TracePlan>(16);

    return (next: Handler): Handler =>
      (call: Call) => {
        const { flat } = call.metadata;
        const plan = plans.get(flat) ?? plans.set(flat, planOf(flat));
        const { parent, others } = plan;
        const sent = parent === undefined ? newTraceparent(random, random.uint32() < threshold) : continueTraceparent(parent, random);
        if (plan.metadata !== flat) call.metadata.replaceBy(plan.metadata);
        call.hopFields = others === undefined ? ["traceparent", sent] : ["traceparent", sent, ...others];
        call.slots.set(SentTraceparent, sent);
        return next(call);
      };
  },
});

/** What a header list says of the trace. Lists that come again are the same object, and this is found again with them. */
interface TracePlan {
  /** The list without the fields of the trace, which differ from hop to hop: so it keeps its identity on the way to the upstream. */
  readonly metadata: readonly string[];
  /** The caller's `traceparent`, when it can be continued. */
  readonly parent: string | undefined;
  /** `tracestate` and `baggage` to send on. */
  readonly others: readonly string[] | undefined;
}

function planOf(flat: readonly string[]): TracePlan {
  const parents: string[] = [];
  const states: string[] = [];
  const baggage: string[] = [];
  const rest: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    const value = flat[i + 1]!;
    if (name === "traceparent") parents.push(value);
    else if (name === "tracestate") states.push(value);
    else if (name === "baggage") baggage.push(value);
    else rest.push(name, value);
  }
  const parent = parents.length === 1 && isTraceparent(parents[0]!) ? parents[0] : undefined;
  // `tracestate` belongs to the trace it came with; `baggage` stands alone.
  const others = [
    ...field("tracestate", parent === undefined ? undefined : combineTracestate(states)),
    ...field("baggage", combineBaggage(baggage)),
  ];
  return { metadata: rest.length === flat.length ? flat : rest, parent, others: others.length === 0 ? undefined : others };
}

function field(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [name, value];
}
