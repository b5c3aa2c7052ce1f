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
  traceparentLength,
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
  /** The trace came as `traceparent`. */
  readonly isW3c: boolean;
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
    let at = 0;
    while (at < flat.length && !this.isOurs(flat[at]!)) at += 2;
    if (at === flat.length) return untraced(flat);
    const rest = flat.slice(0, at);
    let parent: string | undefined;
    let parents = 0;
    let states: string[] | undefined;
    let baggage: string[] | undefined;
    let b3: string[] | undefined;
    for (; at < flat.length; at += 2) {
      const name = flat[at]!;
      const value = flat[at + 1]!;
      if (!this.isOurs(name)) rest.push(name, value);
      else if (name === "traceparent") {
        parents++;
        parent = value;
      } else if (name === "tracestate") (states ??= []).push(value);
      else if (name === "baggage") (baggage ??= []).push(value);
      else (b3 ??= []).push(name, value);
    }
    const incoming = untraced(rest);
    this.follow(incoming, parents === 1 ? parent : undefined, b3);
    // `tracestate` belongs to the trace it came with; `baggage` stands alone.
    if (states !== undefined && incoming.isW3c) incoming.tracestate = combineTracestate(states);
    const carried = baggage === undefined ? undefined : combineBaggage(baggage);
    if (incoming.tracestate !== undefined) incoming.others = ["tracestate", incoming.tracestate];
    if (carried !== undefined) incoming.others = [...(incoming.others ?? []), "baggage", carried];
    return incoming;
  }

  /** A field that this hop reads and sends itself. Most names are told apart by their length. */
  private isOurs(name: string): boolean {
    switch (name.length) {
      case 7:
        return name === "baggage";
      case 10:
        return (this.w3c && name === "tracestate") || (this.b3 && b3Names.has(name));
      case 11:
        return (this.w3c && name === "traceparent") || (this.b3 && b3Names.has(name));
      default:
        return this.b3 && b3Names.has(name);
    }
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

  /** Says in `incoming` what the first format that says anything has said. */
  private follow(incoming: Read, parent: string | undefined, b3: readonly string[] | undefined): void {
    for (const format of this.formats) {
      if (format === "w3c" ? followW3c(incoming, parent) : b3 !== undefined && this.followB3(incoming, b3)) return;
    }
  }

  private followB3(incoming: Read, fields: readonly string[]): boolean {
    const found = readB3(fields);
    if (found === undefined) return false;
    const { ids, state } = found;
    incoming.debug = state === "debug";
    if (ids === undefined) incoming.decided = state !== "deny";
    else {
      incoming.flags = this.samples(state, ids.traceId) ? sampledFlag : 0;
      incoming.parent = `00-${ids.traceId}-${ids.spanId}-0${incoming.flags}`;
    }
    return true;
  }

  private samples(state: B3State, traceId: string): boolean {
    return state === "defer" ? this.sampler.takes(traceId) : state !== "deny";
  }
}

/** While it is put together. */
type Read = { -readonly [K in keyof IncomingTrace]: IncomingTrace[K] };

function untraced(metadata: readonly string[]): Read {
  return {
    metadata,
    isW3c: false,
    parent: undefined,
    flags: 0,
    decided: undefined,
    debug: false,
    tracestate: undefined,
    others: undefined,
  };
}

function followW3c(incoming: Read, sent: string | undefined): boolean {
  if (sent === undefined) return false;
  const parent = sent.length === traceparentLength ? sent : sent.trim();
  if (!isTraceparent(parent)) return false;
  incoming.isW3c = true;
  incoming.parent = parent;
  incoming.flags = knownFlags(parent);
  return true;
}
