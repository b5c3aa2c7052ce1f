/** OTLP requests read by the published schema, as plain objects that tests compare. */
import { join } from "node:path";
import protobuf from "protobufjs";

const root = protobuf.loadSync(join(import.meta.dirname, "protos/otlp.proto"));
const traceRequest = root.lookupType("opentelemetry.proto.ExportTraceServiceRequest");

export interface ReadEvent {
  readonly name: string;
  readonly timeNs: bigint;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export interface ReadSpan {
  /** Hex. */
  readonly traceId: string;
  readonly spanId: string;
  /** "" for none. */
  readonly parentId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: "internal" | "server" | "client" | "other";
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly events: readonly ReadEvent[];
  /** 0 unset, 1 OK, 2 error. */
  readonly status: number;
  readonly flags: number;
  readonly resource: Readonly<Record<string, string | number | boolean>>;
  readonly scope: string;
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, string | number | boolean>>;
}

interface RawSpan {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string; readonly attributes: readonly KeyValue[] }[];
  readonly status: { readonly code: number } | null;
  readonly flags: number;
}

interface RawTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string } | null; readonly spans: readonly RawSpan[] }[];
  }[];
}

const kinds = ["other", "internal", "server", "client"] as const;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** @param request an `ExportTraceServiceRequest`, not compressed */
export function readSpans(request: Uint8Array): ReadSpan[] {
  const read = traceRequest.toObject(traceRequest.decode(request), {
    longs: String,
    defaults: true,
    oneofs: false,
  }) as unknown as RawTraces;
  return read.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentId: hex(span.parentSpanId),
        traceState: span.traceState,
        name: span.name,
        kind: kinds[span.kind] ?? "other",
        startNs: BigInt(span.startTimeUnixNano),
        endNs: BigInt(span.endTimeUnixNano),
        attributes: attributesOf(span.attributes),
        events: span.events.map(({ name, timeUnixNano, attributes }) => ({
          name,
          timeNs: BigInt(timeUnixNano),
          attributes: attributesOf(attributes),
        })),
        status: span.status?.code ?? 0,
        flags: span.flags,
        resource: attributesOf(resource.attributes),
        scope: scope?.name ?? "",
      })),
    ),
  );
}

function attributesOf(list: readonly KeyValue[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    list.map(({ key, value }) => {
      if (value["intValue"] !== undefined) return [key, Number(value["intValue"])];
      return [key, value["stringValue"] ?? value["boolValue"] ?? value["doubleValue"]!];
    }),
  );
}
