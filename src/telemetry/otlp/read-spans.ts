/**
 * Spans read back from the bytes they are kept as, for people who look at them (opentelemetry/proto/trace/v1/trace.proto).
 *
 * It reads what {@link SpanPage} writes and no more: anything else there is a fault of ours.
 */
import { Buffer } from "node:buffer";
import type { AttributeValue } from "./proto-bytes.ts";

export interface RecentSpan {
  /** Hex. */
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for the first of a trace. */
  readonly parentId: string | undefined;
  readonly name: string;
  readonly kind: "server" | "client" | "internal";
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly events: readonly {
    readonly name: string;
    readonly atMs: number;
    readonly attributes: Readonly<Record<string, AttributeValue>>;
  }[];
}

const kinds = ["internal", "internal", "server", "client"] as const;

/** One field: its number, and its value as a number, 8 bytes or more. */
type OnField = (field: number, value: Buffer, number: number) => void;

/** @param page entries of `ScopeSpans.spans`, each with its tag and length */
export function readSpans(page: Uint8Array): RecentSpan[] {
  const spans: RecentSpan[] = [];
  eachField(asBuffer(page), (_field, value) => spans.push(readSpan(value)));
  return spans;
}

function readSpan(bytes: Buffer): RecentSpan {
  let [traceId, spanId, name, kind, startNs, endNs, failed] = ["", "", "", 0, 0n, 0n, false];
  let parentId: string | undefined;
  const attributes: Record<string, AttributeValue> = {};
  const events: RecentSpan["events"][number][] = [];
  eachField(bytes, (field, value, number) => {
    if (field === 1) traceId = value.toString("hex");
    else if (field === 2) spanId = value.toString("hex");
    else if (field === 4) parentId = value.toString("hex");
    else if (field === 5) name = value.toString();
    else if (field === 6) kind = number;
    else if (field === 7) startNs = value.readBigUInt64LE();
    else if (field === 8) endNs = value.readBigUInt64LE();
    else if (field === 9) readAttribute(value, attributes);
    else if (field === 11) events.push(readEvent(value));
    else if (field === 15) failed = true;
  });
  const durationMs = Number(endNs - startNs) / 1e6;
  return {
    traceId,
    spanId,
    parentId,
    name,
    kind: kinds[kind] ?? "internal",
    startMs: milliseconds(startNs),
    durationMs,
    failed,
    attributes,
    events,
  };
}

function readEvent(bytes: Buffer): RecentSpan["events"][number] {
  let name = "";
  let atMs = 0;
  const attributes: Record<string, AttributeValue> = {};
  eachField(bytes, (field, value) => {
    if (field === 1) atMs = milliseconds(value.readBigUInt64LE());
    else if (field === 2) name = value.toString();
    else if (field === 3) readAttribute(value, attributes);
  });
  return { name, atMs, attributes };
}

function readAttribute(bytes: Buffer, into: Record<string, AttributeValue>): void {
  let key = "";
  let read: AttributeValue = "";
  eachField(bytes, (field, value) => {
    if (field === 1) key = value.toString();
    else
      eachField(value, (type, content, number) => {
        read = type === 1 ? content.toString() : type === 2 ? number === 1 : type === 3 ? number : content.readDoubleLE();
      });
  });
  into[key] = read;
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n) / 1000;
}

/** @throws RangeError where the bytes end in the middle of a field */
function eachField(bytes: Buffer, onField: OnField): void {
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const tag = readVarint(bytes, cursor);
    const type = tag & 7;
    const number = type === 0 || type === 2 ? readVarint(bytes, cursor) : 0;
    const length = type === 0 ? 0 : type === 1 ? 8 : type === 5 ? 4 : number;
    if (cursor.at + length > bytes.length) throw new RangeError("a kept span is cut off");
    onField(tag >>> 3, bytes.subarray(cursor.at, cursor.at + length), number);
    cursor.at += length;
  }
}

function readVarint(bytes: Buffer, cursor: { at: number }): number {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw new RangeError("a kept span is cut off");
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
