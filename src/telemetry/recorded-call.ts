/**
 * A call whose spans are recorded: its place in the trace, and what happened to it on the way.
 *
 * Layers find it by `call.slots.get(RecordedCallSlot)`; where there is none the call is not sampled, and nothing need be told.
 */
import type { Clock } from "../core/clock.ts";
import { slot } from "../core/slots.ts";
import { attributeFields, bytesField, stringField, unixNanoseconds, wholeField, type Attributes } from "./otlp/proto-bytes.ts";
import type { IncomingTrace } from "./propagation.ts";

/** More would make a span that nobody reads. */
const maxEvents = 32;

export const RecordedCallSlot = slot<RecordedCall>("recorded call");

export class RecordedCall {
  /** The server span's own `traceparent`. */
  readonly place: string;
  readonly incoming: IncomingTrace;
  /** What of {@link Call.hopFields} is the trace's, as last set. */
  sentFields: readonly string[];
  private readonly clock: Clock;
  private eventFields: Buffer[] | undefined;

  constructor(place: string, incoming: IncomingTrace, sentFields: readonly string[], clock: Clock) {
    this.place = place;
    this.incoming = incoming;
    this.sentFields = sentFields;
    this.clock = clock;
  }

  /** Notes on the server span that something happened now: a retry, a breaker that opened, a host that was ejected. At most 32 a call. */
  addEvent(name: string, attributes: Attributes = {}): void {
    const events = (this.eventFields ??= []);
    if (events.length >= maxEvents) return;
    const time = wholeField(1, unixNanoseconds(this.clock.wallMs()));
    events.push(bytesField(11, Buffer.concat([time, stringField(2, name), attributeFields(3, attributes)])));
  }

  /** The events as fields of the span. */
  get events(): readonly Uint8Array[] | undefined {
    return this.eventFields;
  }
}
