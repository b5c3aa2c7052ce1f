/**
 * A client span for every attempt at the upstream, around the handler that makes it.
 *
 * The trap: the upstream must hang under the attempt and not under the call, so each attempt sends an id of its own. Whatever tries again
 * only calls this handler again.
 */
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import type { Clock } from "../core/clock.ts";
import type { Handler } from "../core/handler.ts";
import type { Method } from "../core/method.ts";
import type { Random } from "../core/random.ts";
import type { Reply } from "../core/reply.ts";
import { statusOf, type Status } from "../core/status.ts";
import { stringField } from "./otlp/proto-bytes.ts";
import type { SpanRecorder } from "./otlp/span-recorder.ts";
import { spanTemplate } from "./otlp/span-template.ts";
import type { Propagation } from "./propagation.ts";
import { RecordedCallSlot, type RecordedCall } from "./recorded-call.ts";
import { clientSpan, type ClientSide } from "./span-shapes.ts";
import { TemplateCache } from "./template-cache.ts";
import { continueTraceparent } from "./trace-context.ts";

export interface ClientSpansOptions {
  readonly recorder: SpanRecorder;
  readonly propagation: Propagation;
  readonly random: Random;
  readonly clock: Clock;
  /** What the upstream speaks, and where it is unless the attempt went to a host of its own. */
  readonly upstream: Pick<ClientSide, "upstream" | "address" | "port">;
}

/** Calls that are not sampled pass untouched. */
export function withClientSpans(next: Handler, options: ClientSpansOptions): Handler {
  const { recorder, propagation, random, clock, upstream } = options;
  const templates = new WeakMap<Method, TemplateCache>();

  function templateOf(call: Call, end: Status, attempt: number): Uint8Array {
    const { method } = call;
    let cache = templates.get(method);
    if (cache === undefined) templates.set(method, (cache = new TemplateCache()));
    const endpoint = call.host?.endpoint;
    const { code, error } = end;
    const found = cache.find(endpoint, attempt, code, error?.reason, error?.source, undefined);
    if (found !== undefined) return found;
    const address = endpoint?.host ?? upstream.address;
    const port = endpoint?.port ?? upstream.port;
    const shape = clientSpan({ method, upstream: upstream.upstream, address, port, attempt }, { code, error });
    return cache.add([endpoint, attempt, code, error?.reason, error?.source, undefined], spanTemplate(shape));
  }

  function attempt(call: Call, recorded: RecordedCall): Promise<Reply> {
    const startMs = clock.nowMs();
    const number = call.attempt;
    const place = continueTraceparent(recorded.place, random);
    const { tracestate } = recorded.incoming;
    const sent = propagation.fields(place, recorded.place, recorded.incoming);
    call.hopFields = replaced(call.hopFields, recorded.sentFields, sent);
    recorded.sentFields = sent;

    const ended = (end: Status): void => {
      const rest = tracestate === undefined ? undefined : stringField(3, tracestate);
      recorder.record(templateOf(call, end, number), place, recorded.place, false, startMs, clock.nowMs(), rest);
    };
    const failed = (thrown: unknown): void => ended(statusOf(CallError.of(thrown)));

    let reply: Promise<Reply>;
    try {
      reply = next(call);
    } catch (thrown) {
      failed(thrown);
      throw thrown;
    }
    // Observed, not awaited: the answer is not held up.
    reply.then(({ ended: end, end: later }) => (end === undefined ? void later.then(ended) : ended(end)), failed);
    return reply;
  }

  return (call) => {
    const recorded = call.hasSlots ? call.slots.get(RecordedCallSlot) : undefined;
    return recorded === undefined ? next(call) : attempt(call, recorded);
  };
}

/** `fields` with what the trace had in them, `before`, replaced by `now`. */
function replaced(fields: readonly string[] | undefined, before: readonly string[], now: readonly string[]): readonly string[] {
  if (fields === undefined || fields === before) return now;
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) if (!before.includes(fields[i]!)) kept.push(fields[i]!, fields[i + 1]!);
  return [...now, ...kept];
}
