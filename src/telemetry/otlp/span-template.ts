/**
 * The part of a span that is the same for every call that went alike, as bytes with room for ids and times
 * (opentelemetry/proto/trace/v1/trace.proto, `Span`).
 *
 * The trap: protobuf lets fields stand in any order, and that is what makes this fast: everything of a fixed length comes first, at the same
 * place in every template.
 */
import { Buffer } from "node:buffer";
import { attributeFields, bytesField, stringField, varintField, type Attributes } from "./proto-bytes.ts";

export const spanKind = { internal: 1, server: 2, client: 3 } as const;
type SpanKind = (typeof spanKind)[keyof typeof spanKind];

/** What is said of a span, apart from whose it is and when it was. */
export interface SpanShape {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** The span's status is ERROR; otherwise it is left unset. */
  readonly failed: boolean;
}

export const traceIdAt = 2;
export const spanIdAt = 20;
export const startAt = 29;
export const endAt = 38;
export const flagsAt = 48;
const shapeAt = 52;

const errorStatus = 2;
/** Longest name; callers can make names up where there is no schema. */
const nameLength = 256;

/** @returns the template's bytes: ids, times and flags are zero, at the places named above */
export function spanTemplate({ name, kind, attributes, failed }: SpanShape): Uint8Array {
  const fixed = Buffer.alloc(shapeAt);
  fixed.set([0x0a, 16], 0); // trace_id
  fixed.set([0x12, 8], 18); // span_id
  fixed[28] = 0x39; // start_time_unix_nano
  fixed[37] = 0x41; // end_time_unix_nano
  fixed.set([0x85, 0x01], 46); // flags
  const shape = [stringField(5, name.slice(0, nameLength)), varintField(6, kind), attributeFields(9, attributes)];
  if (failed) shape.push(bytesField(15, varintField(3, errorStatus)));
  return Buffer.concat([fixed, ...shape]);
}
