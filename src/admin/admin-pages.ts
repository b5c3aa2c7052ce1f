/** What the admin listener answers, page by page. None of it holds a secret, a header's value or a message that passed through. */
import { redact } from "../config/redact.ts";
import type { Runtime } from "../runtime/create-runtime.ts";
import { ProcessMetrics } from "../telemetry/process-metrics.ts";
import { contentTypes, formatFor, PrometheusText } from "../telemetry/prometheus.ts";
import { writeMetrics } from "../runtime/write-metrics.ts";
import { explainPage } from "./explain-page.ts";
import { json, type Asked, type Page } from "./page.ts";
import { tracesPage } from "./traces-page.ts";

export interface AdminPage {
  readonly summary: string;
  /** Answered without the token: probes of orchestrators cannot show one, and these say nothing but yes or no. */
  readonly open: boolean;
  answer(asked: Asked): Page | Promise<Page>;
}

export function createAdminPages(runtime: Runtime): ReadonlyMap<string, AdminPage> {
  const processMetrics = new ProcessMetrics();
  const pages: Record<string, AdminPage> = {
    "/healthz": { summary: "200 while the process runs", open: true, answer: () => json(200, { status: "alive" }) },
    "/readyz": {
      summary: "200 when calls can be served: listening, schema loaded, upstream reached once, not draining",
      open: true,
      answer({ trusted }) {
        const { ready, reasons } = runtime.readiness();
        return json(ready ? 200 : 503, trusted ? { ready, reasons } : { ready });
      },
    },
    "/metrics": { summary: "Prometheus metrics", open: false, answer: ({ accept }) => metricsPage(runtime, processMetrics, accept) },
    "/config": {
      summary: "the configuration in force, defaults filled in, secrets taken out",
      open: false,
      answer: () => json(200, redact(runtime.config)),
    },
    "/clusters": {
      summary: "the upstream: connection, load, schema",
      open: false,
      answer: () => json(200, { clusters: runtime.clusters() }),
    },
    "/explain": {
      summary: "what a request would meet, and why: ?method=GET&url=/v1/...&header=name:value&data=body",
      open: false,
      answer: (asked) => explainPage(runtime, asked),
    },
    "/traces": {
      summary: "the last sampled traces, where some are kept: ?id=...&method=...&status=error&min=50ms&limit=20",
      open: false,
      answer: (asked) => tracesPage(runtime, asked),
    },
    "/openapi.json": { summary: "the REST interface as OpenAPI", open: false, answer: () => openapiPage(runtime) },
  };
  pages["/"] = {
    summary: "this list",
    open: false,
    answer: () => json(200, { pages: Object.fromEntries(Object.entries(pages).map(([path, { summary }]) => [path, summary])) }),
  };
  return new Map(Object.entries(pages));
}

function metricsPage(runtime: Runtime, processMetrics: ProcessMetrics): Page {
  const text = new PrometheusText();
  writeCallMetrics(text, runtime.metrics);

  const { connections, http1, http2, accepted, refused } = runtime.listenerStats();
  text.family("dragoman_connections_open", "gauge", "Open connections of callers, by the protocol they speak.");
  text.sample("dragoman_connections_open", http1, { protocol: "http1" });
  text.sample("dragoman_connections_open", http2, { protocol: "http2" });
  text.sample("dragoman_connections_open", Math.max(0, connections - http1 - http2), { protocol: "unknown" });
  text.single("dragoman_connections_accepted_total", "counter", "Connections accepted.", accepted);
  text.single("dragoman_connections_refused_total", "counter", "Connections closed at once because there were too many.", refused);

  const clusters = runtime.clusters();
  text.family("dragoman_upstream_streams_active", "gauge", "Calls under way at the upstream.");
  for (const { name, activeStreams } of clusters) text.sample("dragoman_upstream_streams_active", activeStreams, { cluster: name });
  text.family("dragoman_upstream_streams_pending", "gauge", "Calls that wait for a connection to the upstream.");
  for (const { name, pendingStreams } of clusters) text.sample("dragoman_upstream_streams_pending", pendingStreams, { cluster: name });
  text.family("dragoman_upstream_connected", "gauge", "1 while there is a connection to the upstream.");
  for (const { name, state } of clusters) text.sample("dragoman_upstream_connected", state === "ready" ? 1 : 0, { cluster: name });

  text.family("dragoman_log_lines_dropped_total", "counter", "Access log lines dropped because the destination was too slow.");
  for (const { destination, droppedLines } of runtime.writers)
    text.sample("dragoman_log_lines_dropped_total", droppedLines, { destination });

  text.single("dragoman_ready", "gauge", "1 when ready.", runtime.readiness().ready ? 1 : 0);
  processMetrics.write(text);
  return { status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: text.toString() };
}

async function openapiPage(runtime: Runtime): Promise<Page> {
  const { table, config } = runtime;
  if (table === undefined) return json(503, { code: 14, message: "the schema is not loaded yet", details: [] });
  const { describeApi } = await import("../runtime/describe-api.ts");
  return json(200, describeApi(table, config));
}
