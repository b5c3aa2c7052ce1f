/** Everything there is to count in this process, in one walk: for `/metrics`, and for a collector. */
import type { MetricWriter } from "../telemetry/metric-writer.ts";
import type { ProcessMetrics } from "../telemetry/process-metrics.ts";
import { writeCallMetrics } from "../telemetry/write-call-metrics.ts";
import type { Runtime } from "./create-runtime.ts";

const circuitValues = { closed: 0, probing: 1, open: 2 } as const;

/** What is told of a runtime. */
type Measured = Pick<Runtime, "metrics" | "listenerStats" | "clusters" | "writers" | "readiness" | "telemetry" | "reloads">;

export function writeMetrics(to: MetricWriter, runtime: Measured, processMetrics: ProcessMetrics): void {
  writeCallMetrics(to, runtime.metrics);
  writeConnections(to, runtime);
  writeUpstreams(to, runtime);

  to.family("dragoman_log_lines_dropped_total", "counter", "Access log lines dropped because the destination was too slow.");
  for (const { destination, droppedLines } of runtime.writers) to.sample("dragoman_log_lines_dropped_total", droppedLines, { destination });

  writeTelemetry(to, runtime);
  writeConfiguration(to, runtime);
  to.single("dragoman_ready", "gauge", "1 when ready.", runtime.readiness().ready ? 1 : 0);
  processMetrics.write(to);
}

function writeConnections(to: MetricWriter, runtime: Measured): void {
  const { connections, http1, http2, accepted, refused } = runtime.listenerStats();
  to.family("dragoman_connections_open", "gauge", "Open connections of callers, by the protocol they speak.");
  to.sample("dragoman_connections_open", http1, { protocol: "http1" });
  to.sample("dragoman_connections_open", http2, { protocol: "http2" });
  to.sample("dragoman_connections_open", Math.max(0, connections - http1 - http2), { protocol: "unknown" });
  to.single("dragoman_connections_accepted_total", "counter", "Connections accepted.", accepted);
  to.single("dragoman_connections_refused_total", "counter", "Connections closed at once because there were too many.", refused);
}

function writeUpstreams(to: MetricWriter, runtime: Measured): void {
  const clusters = runtime.clusters();
  to.family("dragoman_upstream_streams_active", "gauge", "Calls under way at the upstream.");
  for (const { name, activeStreams } of clusters) to.sample("dragoman_upstream_streams_active", activeStreams, { cluster: name });
  to.family("dragoman_upstream_streams_pending", "gauge", "Calls that wait for a connection to the upstream.");
  for (const { name, pendingStreams } of clusters) to.sample("dragoman_upstream_streams_pending", pendingStreams, { cluster: name });
  to.family("dragoman_upstream_connected", "gauge", "1 while there is a connection to the upstream.");
  for (const { name, state } of clusters) to.sample("dragoman_upstream_connected", state === "ready" ? 1 : 0, { cluster: name });
  const hosts = clusters.flatMap(({ name: cluster, hosts: views }) =>
    views.map((view) => ({ ...view, labels: { cluster, host: view.address } })),
  );
  to.family("dragoman_host_circuit", "gauge", "The circuit breaker of a host: 0 closed, 1 probed, 2 open.");
  for (const { circuit, labels } of hosts) to.sample("dragoman_host_circuit", circuitValues[circuit], labels);
  to.family("dragoman_host_ejected", "gauge", "1 while the host is ejected as an outlier.");
  for (const { ejectedForMs, labels } of hosts) to.sample("dragoman_host_ejected", ejectedForMs > 0 ? 1 : 0, labels);
}

function writeTelemetry(to: MetricWriter, { telemetry }: Measured): void {
  const { recorder, exportedSpans, refusedSpans } = telemetry;
  to.single("dragoman_spans_recorded_total", "counter", "Spans recorded.", recorder.recorded);
  to.single("dragoman_spans_exported_total", "counter", "Spans the collector has taken.", exportedSpans);
  to.family("dragoman_spans_dropped_total", "counter", "Spans that were lost, by why.");
  to.sample("dragoman_spans_dropped_total", recorder.lost, { why: "full" });
  to.sample("dragoman_spans_dropped_total", refusedSpans, { why: "refused" });
  to.single("dragoman_spans_waiting", "gauge", "Spans that wait for the collector.", recorder.waitingSpans);
}

function writeConfiguration(to: MetricWriter, { reloads }: Measured): void {
  to.single(
    "dragoman_config_version",
    "gauge",
    "Which configuration is in force: 1 at the start, one more with each reload.",
    reloads.version,
  );
  to.single(
    "dragoman_config_reload_failures_total",
    "counter",
    "Reloads that were refused; the old configuration kept running.",
    reloads.failures,
  );
}
