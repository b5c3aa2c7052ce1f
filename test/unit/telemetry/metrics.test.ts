/** Metrics in every format they are given in, and the words they are given with. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import protobuf from "protobufjs";
import { join } from "node:path";
import { CallError } from "../../../src/core/call-error.ts";
import { okStatus, statusOf } from "../../../src/core/status.ts";
import { CallMetrics } from "../../../src/telemetry/call-metrics.ts";
import { RequestEnvelope } from "../../../src/telemetry/otlp/export-request.ts";
import { OtlpMetrics } from "../../../src/telemetry/otlp/otlp-metrics.ts";
import { MetricsPush } from "../../../src/telemetry/otlp/metrics-push.ts";
import { ProcessMetrics } from "../../../src/telemetry/process-metrics.ts";
import { formatFor, PrometheusText } from "../../../src/telemetry/prometheus.ts";
import { attribute, ownAttribute } from "../../../src/telemetry/semantic-conventions.ts";
import { writeCallMetrics } from "../../../src/telemetry/write-call-metrics.ts";
import { outside } from "../../support/outside.ts";
import { createPolicyHost } from "../../support/policy-host.ts";

const place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const unary = { requestBytes: 10, responseBytes: 20, requestMessages: 0, responseMessages: 0, attempt: 1 };
const stream = { ...unary, requestMessages: 2, responseMessages: 5, attempt: 3 };

function someMetrics(): CallMetrics {
  const metrics = new CallMetrics();
  metrics.setKnown(new Set(["/a.B/C"]));
  for (const [protocol, status, durationMs, traffic, sampled] of [
    ["rest", okStatus(), 3, unary, true],
    ["rest", okStatus(), 2.5, unary, false],
    ["grpc", statusOf(new CallError("UPSTREAM_UNREACHABLE")), 1500, stream, true],
    ["connect", statusOf(new CallError("UNKNOWN_PATH")), 0.01, unary, false],
    ["http", okStatus(), 100_000, unary, false],
  ] as const) {
    metrics.start(protocol);
    metrics.end(protocol, "/a.B/C", status, durationMs, traffic, sampled ? place : undefined);
  }
  return metrics;
}

function textOf(format: "text" | "openmetrics", metrics = someMetrics()): string {
  const text = new PrometheusText(format);
  writeCallMetrics(text, metrics);
  // How late the event loop is is measured from the first question on.
  const process = new ProcessMetrics();
  process.write(new PrometheusText());
  process.write(text);
  process.close();
  return text.toString();
}

describe("metrics", () => {
  it("have the names and attributes of semantic conventions, and no other without our prefix", () => {
    const words = new Set<unknown>(Object.values(conventions));
    for (const name of Object.values(attribute)) assert.ok(words.has(name), `${name} is not of the conventions`);
    for (const name of Object.values(ownAttribute)) assert.ok(name.startsWith("dragoman.") && !words.has(name), name);
    const dotted: { name: string; unit: string | undefined; labels: Set<string> }[] = [];
    writeCallMetrics(
      {
        family: (name, _type, _help, unit) => void dotted.push({ name, unit, labels: new Set() }),
        sample: () => undefined,
        single: () => undefined,
        histogram: (_name, _bounds, _buckets, _sum, labels) => Object.keys(labels).forEach((label) => dotted.at(-1)!.labels.add(label)),
      },
      someMetrics(),
    );
    const named = dotted.filter(({ name }) => name.includes("."));
    assert.deepEqual(
      named.map(({ name, unit }) => [name, unit]),
      [[conventions.METRIC_RPC_SERVER_CALL_DURATION, "s"]],
    );
    for (const name of textOf("text").matchAll(/^# TYPE (nodejs_eventloop_delay\w+)_seconds gauge$/gm))
      assert.ok(words.has(name[1]!.replaceAll("_", ".")), name[1]);
    assert.deepEqual([...named[0]!.labels].sort(), [
      "dragoman.protocol",
      conventions.ATTR_ERROR_TYPE,
      conventions.ATTR_RPC_METHOD,
      conventions.ATTR_RPC_STATUS_CODE,
      conventions.ATTR_RPC_SYSTEM_NAME,
    ]);
  });

  it("tell durations by the conventions' names too, one bucket a power of two, plain HTTP apart", () => {
    const lines = textOf("text").split("\n");
    const of = (name: string): string[] => lines.filter((line) => line.startsWith(name));
    const rest = 'rpc_system_name="grpc",rpc_method="a.B/C",rpc_status_code="OK",dragoman_protocol="rest"';
    assert.ok(lines.includes("# TYPE rpc_server_call_duration_seconds histogram"));
    assert.ok(lines.includes(`rpc_server_call_duration_seconds_bucket{${rest},le="0.002048"} 0`));
    assert.ok(lines.includes(`rpc_server_call_duration_seconds_bucket{${rest},le="0.004096"} 2`));
    assert.ok(lines.includes(`rpc_server_call_duration_seconds_count{${rest}} 2`));
    assert.ok(lines.some((line) => line.includes('rpc_status_code="UNAVAILABLE",error_type="UNAVAILABLE",dragoman_protocol="grpc"')));
    assert.ok(lines.some((line) => line.includes('rpc_system_name="connectrpc",rpc_method="a.B/C",rpc_status_code="not_found"')));
    assert.ok(!of("rpc_server").some((line) => line.includes('dragoman_protocol="http"')));
    assert.ok(lines.includes('dragoman_attempts_total{protocol="grpc",method="a.B/C"} 3'));
    assert.deepEqual(of("dragoman_stream_messages_total"), [
      'dragoman_stream_messages_total{protocol="grpc",method="a.B/C",from="caller"} 2',
      'dragoman_stream_messages_total{protocol="grpc",method="a.B/C",from="upstream"} 5',
    ]);
  });

  it("have exemplars for those who ask for OpenMetrics", () => {
    assert.equal(formatFor("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"), "openmetrics");
    assert.equal(formatFor("*/*"), "text");
    assert.doesNotMatch(textOf("text"), /trace_id/);
    const text = textOf("openmetrics");
    assert.match(
      text,
      /^dragoman_call_duration_seconds_bucket\{protocol="rest",method="a\.B\/C",code="OK",le="0\.003072"\} 2 # \{trace_id="4bf92f3577b34da6a3ce929d0e0e4736",span_id="00f067aa0ba902b7"\} 0\.003 \d+\.\d{3}$/m,
    );
    assert.match(text, /^rpc_server_call_duration_seconds_bucket\{.*le="0\.004096"\} 2 # \{trace_id=/m);
    assert.match(text, /^# TYPE dragoman_calls counter$/m);
    assert.ok(text.endsWith("\n# EOF\n"));
  });

  for (const format of ["text", "openmetrics"] as const)
    it(`promtool finds nothing wrong with them (${format})`, function () {
      const promtool = outside(this, "promtool");
      // It reads the text format; of OpenMetrics the exemplars and the end are its own.
      const input = textOf(format)
        .replace(/ # \{.*$/gm, "")
        .replace(/^# EOF\n/m, "");
      const { status, stdout, stderr } = spawnSync(promtool, ["check", "metrics"], {
        input: format === "text" ? textOf("text") : totals(input),
      });
      assert.equal(status, 0, `${stdout.toString()}${stderr.toString()}`);
    });

  it("are the same numbers as OTLP", () => {
    const metrics = new OtlpMetrics(1_000_000, 2_000_000);
    writeCallMetrics(metrics, someMetrics());
    const root = protobuf.loadSync(join(import.meta.dirname, "../../support/protos/otlp.proto"));
    const type = root.lookupType("opentelemetry.proto.ExportMetricsServiceRequest");
    const request = new RequestEnvelope({ "service.name": "orders" }).around([metrics.content()]);
    const read = type.toObject(type.decode(request), { longs: Number, bytes: String }) as {
      resourceMetrics: { scopeMetrics: { metrics: Record<string, any>[] }[] }[]; // eslint-disable-line @typescript-eslint/no-explicit-any
    };
    const [{ scopeMetrics }] = read.resourceMetrics as [{ scopeMetrics: { metrics: Record<string, any>[] }[] }]; // eslint-disable-line @typescript-eslint/no-explicit-any
    const all = scopeMetrics[0]!.metrics;
    const one = (name: string): any => all.find((metric) => metric["name"] === name); // eslint-disable-line @typescript-eslint/no-explicit-any
    const duration = one("rpc.server.call.duration");
    assert.deepEqual([duration.unit, duration.histogram.aggregationTemporality], ["s", 2]);
    const [point] = duration.histogram.dataPoints;
    assert.deepEqual([point.count, point.sum, point.bucketCounts.length, point.explicitBounds.length], [2, 0.0055, 22, 21]);
    assert.deepEqual([point.startTimeUnixNano, point.timeUnixNano], [1e12, 2e12]);
    assert.equal(Buffer.from(point.exemplars[0].traceId, "base64").toString("hex"), place.slice(3, 35));
    const calls = one("dragoman_calls_total");
    assert.deepEqual([calls.sum.isMonotonic, calls.sum.aggregationTemporality, calls.sum.dataPoints[0].asDouble], [true, 2, 2]);
    assert.equal(one("dragoman_request_bytes_total").unit, "By");
    assert.ok(one("dragoman_calls_active").gauge.dataPoints.length > 0);
  });

  it("stay few under 100,000 different paths, protocols aside", () => {
    const metrics = new CallMetrics();
    metrics.setKnown(new Set(["/a.B/C"]));
    for (let i = 0; i < 100_000; i++) {
      metrics.start("rest");
      metrics.end("rest", `/made.Up/${i}`, i % 2 === 0 ? okStatus() : statusOf(new CallError("UNKNOWN_METHOD")), 1, unary, place);
    }
    assert.ok([...metrics.rows()].length <= 258);
    assert.ok(textOf("openmetrics", metrics).length < 6 << 20);
  });

  it("are pushed at their distance, once at the end, and said once not to be taken", async () => {
    const { clock, logger, logged } = createPolicyHost();
    let sent = 0;
    const push = new MetricsPush({
      request: () => new Uint8Array(1),
      send: () => Promise.resolve(++sent < 3 ? { outcome: "later", afterMs: undefined, why: "away" } : { outcome: "taken", rejected: 0 }),
      intervalMs: 10_000,
      destination: "http://collector",
      clock,
      logger,
    });
    for (const expected of [1, 2, 3]) {
      clock.advance(10_000);
      for (let i = 0; i < 10; i++) await Promise.resolve();
      assert.equal(sent, expected);
    }
    assert.equal(logged.length, 1);
    await push.close(1000);
    assert.deepEqual([sent, clock.timers], [4, 0]);
  });
});

/** OpenMetrics names a counter's family without `_total`; the text format does not. */
function totals(text: string): string {
  const counters = new Set([...text.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name]) => name!));
  return text.replace(/^# (HELP|TYPE) (\S+)/gm, (line, _word, name: string) => (counters.has(name) ? `${line}_total` : line));
}
