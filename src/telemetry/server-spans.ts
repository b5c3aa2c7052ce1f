/**
 * The server span of each sampled call of one method: begun when the call arrives, written when it is over.
 *
 * The trap: nothing is built per span. What calls have in common is in a template; ids, times and the caller's address are put beside it.
 */
import { Buffer } from "node:buffer";
import type { Call } from "../core/call.ts";
import type { Clock } from "../core/clock.ts";
import type { Status } from "../core/status.ts";
import { attributeField, stringField } from "./otlp/proto-bytes.ts";
import type { SpanRecorder } from "./otlp/span-recorder.ts";
import { spanTemplate } from "./otlp/span-template.ts";
import type { IncomingTrace } from "./propagation.ts";
import { RecordedCall, RecordedCallSlot } from "./recorded-call.ts";
import { attribute } from "./semantic-conventions.ts";
import { serverSpan } from "./span-shapes.ts";
import { TemplateCache } from "./template-cache.ts";

export class ServerSpans {
  private readonly recorder: SpanRecorder;
  private readonly clock: Clock;
  private readonly templates = new TemplateCache();
  private lastAddress: string | undefined;
  private lastAddressField: Uint8Array = new Uint8Array(0);

  constructor(recorder: SpanRecorder, clock: Clock) {
    this.recorder = recorder;
    this.clock = clock;
  }

  /** @param place the span's own `traceparent`, in which it is flagged as sampled. @param sent the fields that carry it to the next hop */
  begin(call: Call, place: string, incoming: IncomingTrace, sent: readonly string[]): void {
    call.slots.set(RecordedCallSlot, new RecordedCall(place, incoming, sent, this.clock));
    call.onEnd(this.ended);
  }

  private readonly ended = (call: Call, end: Status, durationMs: number): void => {
    const recorded = call.slots.get(RecordedCallSlot)!;
    const { arrivedAtMs } = call;
    this.recorder.record(
      this.templateOf(call, end),
      recorded.place,
      recorded.incoming.parent,
      true,
      arrivedAtMs,
      arrivedAtMs + durationMs,
      this.restOf(call, recorded),
    );
  };

  private templateOf(call: Call, end: Status): Uint8Array {
    const { caller, binding, httpStatus, method } = call;
    const { code, error } = end;
    const { protocol, secure } = caller;
    // The reason has its usual status, code and source, but need not.
    const failure = error === undefined ? undefined : `${error.reason} ${error.source} ${error.httpStatus ?? ""}`;
    const found = this.templates.find(protocol, secure, binding, code, failure, httpStatus);
    if (found !== undefined) return found;
    const template = spanTemplate(serverSpan({ protocol, secure, method, binding }, { code, error }, httpStatus));
    return this.templates.add([protocol, secure, binding, code, failure, httpStatus], template);
  }

  /** Most calls have nothing but an address, and mostly that of the call before. */
  private restOf(call: Call, { incoming, events }: RecordedCall): Uint8Array {
    const { address } = call.caller;
    if (address !== this.lastAddress) {
      this.lastAddress = address;
      this.lastAddressField = attributeField(9, attribute.clientAddress, address);
    }
    const field = this.lastAddressField;
    const { tracestate } = incoming;
    if (tracestate === undefined && events === undefined) return field;
    return Buffer.concat([field, ...(tracestate === undefined ? [] : [stringField(3, tracestate)]), ...(events ?? [])]);
  }
}
