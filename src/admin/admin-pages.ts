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
      summary: "upstreams: connection, load, schema, and each host with its health, ejection and circuit breaker",
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

function metricsPage(runtime: Runtime, processMetrics: ProcessMetrics, accept: string): Page {
  const format = formatFor(accept);
  const text = new PrometheusText(format);
  writeMetrics(text, runtime, processMetrics);
  return { status: 200, contentType: contentTypes[format], body: text.toString() };
}

async function openapiPage(runtime: Runtime): Promise<Page> {
  const { table, config } = runtime;
  if (table === undefined) return json(503, { code: 14, message: "the schema is not loaded yet", details: [] });
  const { describeApi } = await import("../runtime/describe-api.ts");
  return json(200, describeApi(table, config));
}
