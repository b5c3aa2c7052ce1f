/** What is told of calls, and to whom: the collector, the share of traces, the formats of trace headers, what stays for the admin pages. */
import * as z from "zod/mini";
import { described, duration, optional, percent, setting, size } from "../policies/settings.ts";
import { propagationFormats } from "../telemetry/propagation.ts";
import { parsable } from "./addresses.ts";
import { formatHostPort } from "../core/endpoint.ts";

export interface CollectorAddress {
  /** grpc and grpcs: OTLP/gRPC; http and https: OTLP/HTTP with protobuf. */
  readonly scheme: "http" | "https" | "grpc" | "grpcs";
  readonly host: string;
  readonly port: number;
  /** What stands before `/v1/traces`; "" for nothing. */
  readonly path: string;
}

const defaultPorts = { http: 4318, https: 4318, grpc: 4317, grpcs: 4317 } as const;
const form = /^(https?|grpcs?):\/\/(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s@]+))(?::(\d{1,5}))?(\/[^\s?#]*)?$/;

/** @throws RangeError that says what to write */
export function parseCollector(text: string): CollectorAddress {
  const [, scheme, bracketed, plain, digits, path = ""] = form.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (scheme === undefined || port === 0 || (port ?? 0) > 65_535 || (scheme.startsWith("grpc") && path.length > 1))
    throw new RangeError(`"${text}" is not a collector: write http://HOST:4318 or grpc://HOST:4317 (https:// and grpcs:// for TLS)`);
  const known = scheme as CollectorAddress["scheme"];
  return { scheme: known, host: (bracketed ?? plain)!, port: port ?? defaultPorts[known], path: path.replace(/\/+$/, "") };
}

/** As it is shown in logs and docs. */
export function formatCollector({ scheme, host, port, path }: CollectorAddress): string {
  return `${scheme}://${formatHostPort({ host, port })}${path}`;
}

export const telemetry = z.strictObject({
  otlp: optional(
    parsable(parseCollector, "expected a collector such as http://127.0.0.1:4318"),
    "The OpenTelemetry collector that gets spans: `http://HOST:4318` (OTLP/HTTP) or `grpc://HOST:4317`; `https://` and `grpcs://` for TLS. No spans are recorded for it unless set.",
  ),
  compression: setting(
    z.enum(["none", "gzip"]),
    "none",
    "How requests to the collector are compressed. `gzip` takes a twentieth of the bytes and more CPU than recording does: for collectors that are far away.",
  ),
  metrics: optional(duration, "How often the collector is sent metrics too; not at all unless set."),
  sampling: setting(
    percent,
    "100%",
    "Share of the traces begun here that are sampled, by their trace ids. A caller's own decision is never changed.",
  ),
  propagation: setting(
    z.array(z.enum(propagationFormats)).check(z.minLength(1, "expected at least one format")),
    ["w3c"],
    "Trace headers that are read, the first that says anything, and all sent: `w3c`; `b3` (sent as one field) or `b3multi` (as several).",
  ),
  traces: setting(
    size,
    "0B",
    "Memory for the sampled spans that the admin page `/traces` shows; the oldest go first. None are kept unless set.",
  ),
  resource: setting(
    z.record(
      z.string().check(z.regex(/^[a-zA-Z][\w.-]{0,127}$/, "expected the name of an attribute, such as deployment.environment.name")),
      described(z.string(), "Its value."),
    ),
    {},
    "Attributes of this process beside `service.name` and the like: `deployment.environment.name: prod`.",
  ),
});
