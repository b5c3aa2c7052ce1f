/**
 * What comes in of a trace and what goes out, in the formats that are configured: W3C trace context, B3.
 *
 * Two traps. The first configured format that says anything wins, and everything said in the others is dropped, so that nothing downstream
 * sees two truths. And raw fields are looked at: a `traceparent` that came twice is none.
 */
import type { Random } from "../core/random.ts";
import { b3Multi, b3Names, b3Single, readB3, type B3Sent, type B3State } from "./b3.ts";
import { combineBaggage } from "./baggage.ts";
import type { RatioSampler } from "./sampler.ts";
import {
  continueTraceparent,
  isTraceparent,
  knownFlags,
  newTraceparent,
  sampledFlag,
  spanIdFrom,
  spanIdTo,
  traceIdFrom,
  traceIdTo,
} from "./trace-context.ts";
import { combineTracestate } from "./trace-state.ts";

export const propagationFormats = ["w3c", "b3", "b3multi"] as const;
export type PropagationFormat = (typeof propagationFormats)[number];

/** What a header list says of the trace. Lists that come again are the same object, and this can be found again with them. */
export interface IncomingTrace {
  /** The list without the fields of the trace, which differ from hop to hop: so it keeps its identity on the way to the upstream. */
  readonly metadata: readonly string[];
  /** The caller's place in the trace as a `traceparent` of version 00 and up; undefined where a new trace begins. */
  readonly parent: string | undefined;
  /** Known flags to go on with, where there is a parent. */
  readonly flags: number;
  /** What was decided for a trace that begins here; undefined: nothing. */
  readonly decided: boolean | undefined;
  readonly debug: boolean;
  readonly tracestate: string | undefined;
  /** `tracestate` and `baggage` to send on. */
  readonly others: readonly string[] | undefined;
}

export class Propagation {
  private readonly formats: readonly PropagationFormat[];
  private readonly w3c: boolean;
  private readonly b3: boolean;
  private readonly sampler: RatioSampler;

  constructor(formats: readonly PropagationFormat[], sampler: RatioSampler) {
    this.formats = formats;
    this.w3c = formats.includes("w3c");
    this.b3 = formats.some((format) => format !== "w3c");
    this.sampler = sampler;
  }

  /** @param flat names (lower case) and values in turn, as they arrived */
  read(flat: readonly string[]): IncomingTrace {
    const parents: string[] = [];
    const states: string[] = [];
    const baggage: string[] = [];
    const b3: string[] = [];
    const rest: string[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      const name = flat[i]!;
      const value = flat[i + 1]!;
      if (name === "baggage") baggage.push(value);
      else if (this.w3c && name === "traceparent") parents.push(value);
      else if (this.w3c && name === "tracestate") states.push(value);
      else if (this.b3 && b3Names.has(name)) b3.push(name, value);
      else rest.push(name, value);
    }
    const context = this.contextOf(parents, b3);
    // `tracestate` belongs to the trace it came with; `baggage` stands alone.
    const tracestate = context.isW3c ? combineTracestate(states) : undefined;
    const others = [...field("tracestate", tracestate), ...field("baggage", combineBaggage(baggage))];
    return {
      metadata: rest.length === flat.length ? flat : rest,
      parent: context.parent,
      flags: context.flags,
      decided: context.decided,
      debug: context.debug,
      tracestate,
      others: others.length === 0 ? undefined : others,
    };
  }

  /** The place of this hop in the trace, as a `traceparent`. */
  next({ parent, flags, decided }: IncomingTrace, random: Random): string {
    return parent === undefined ? newTraceparent(random, decided ?? this.sampler) : continueTraceparent(parent, random, flags);
  }

  /** What the next hop is sent for a span whose place is `sent`. @param parent the `traceparent` of the span above it, if there is one */
  fields(sent: string, parent: string | undefined, { others, debug }: IncomingTrace): readonly string[] {
    if (!this.b3) return others === undefined ? ["traceparent", sent] : ["traceparent", sent, ...others];
    const b3: B3Sent = {
      traceId: sent.slice(traceIdFrom, traceIdTo),
      spanId: sent.slice(spanIdFrom, spanIdTo),
      parentId: parent?.slice(spanIdFrom, spanIdTo),
      sampled: (knownFlags(sent) & sampledFlag) !== 0,
      debug,
    };
    const fields: string[] = [];
    for (const format of this.formats) {
      if (format === "w3c") fields.push("traceparent", sent);
      else if (format === "b3") fields.push("b3", b3Single(b3));
      else fields.push(...b3Multi(b3));
    }
    if (others !== undefined) fields.push(...others);
    return fields;
  }

  private contextOf(parents: readonly string[], b3: readonly string[]): Context {
    for (const format of this.formats) {
      if (format === "w3c") {
        const parent = parents.length === 1 ? parents[0]!.trim() : undefined;
        if (parent !== undefined && isTraceparent(parent)) return { ...none, isW3c: true, parent, flags: knownFlags(parent) };
      } else if (b3.length > 0) {
        const found = this.ofB3(b3);
        if (found !== undefined) return found;
      }
    }
    return none;
  }

  private ofB3(fields: readonly string[]): Context | undefined {
    const found = readB3(fields);
    if (found === undefined) return undefined;
    const { ids, state } = found;
    const debug = state === "debug";
    if (ids === undefined) return { ...none, decided: state !== "deny", debug };
    const flags = this.samples(state, ids.traceId) ? sampledFlag : 0;
    return { ...none, parent: `00-${ids.traceId}-${ids.spanId}-0${flags}`, flags, debug };
  }

  private samples(state: B3State, traceId: string): boolean {
    return state === "defer" ? this.sampler.takes(traceId) : state !== "deny";
  }
}

interface Context {
  readonly isW3c: boolean;
  readonly parent: string | undefined;
  readonly flags: number;
  readonly decided: boolean | undefined;
  readonly debug: boolean;
}

const none: Context = { isW3c: false, parent: undefined, flags: 0, decided: undefined, debug: false };

function field(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [name, value];
}
