/**
 * Calls in numbers: rate, errors, duration, by protocol, method and code.
 *
 * The trap: the same durations stand here twice, under our name with all its buckets, and under the name of semantic conventions
 * (`rpc.server.call.duration`) with half as many, for dashboards that are made for it.
 */
import type { CallMetrics } from "./call-metrics.ts";
import { bucketBoundsSeconds } from "./duration-buckets.ts";
import type { MetricWriter } from "./metric-writer.ts";
import { halved, halvedExemplars, rpcDurationBounds, rpcLabels } from "./rpc-metrics.ts";

const plainHttp = "http";

/** Calls by protocol, method and code. */
export function writeCallMetrics(to: MetricWriter, metrics: CallMetrics): void {
  const rows = [...metrics.rows()];
  const cells = rows.flatMap((row) => [...row.codes()]);

  to.family("dragoman_calls_total", "counter", "Calls that ended, by their status code.");
  for (const { protocol, method, code, buckets } of cells)
    to.sample(
      "dragoman_calls_total",
      buckets.reduce((sum, count) => sum + count, 0),
      { protocol, method, code },
    );

  to.family("dragoman_call_duration_seconds", "histogram", "From the arrival of the request's headers to the end of the call.");
  for (const { protocol, method, code, buckets, sumMs, exemplars } of cells)
    to.histogram("dragoman_call_duration_seconds", bucketBoundsSeconds, buckets, sumMs / 1000, { protocol, method, code }, exemplars);

  const name = "rpc.server.call.duration";
  to.family(name, "histogram", "Duration of calls, by the names of OpenTelemetry's semantic conventions.", "s");
  for (const { protocol, method, code, buckets, sumMs, exemplars } of cells) {
    // What is no call of a method has a name of HTTP's.
    if (protocol === plainHttp) continue;
    const labels = rpcLabels(protocol, method, code);
    to.histogram(name, rpcDurationBounds, halved(buckets), sumMs / 1000, labels, exemplars && halvedExemplars(exemplars));
  }

  to.family("dragoman_calls_active", "gauge", "Calls under way.");
  for (const { protocol, calls } of metrics.active()) to.sample("dragoman_calls_active", calls, { protocol });

  to.family("dragoman_request_bytes_total", "counter", "Bytes of request messages as they arrived.");
  for (const { protocol, method, requestBytes } of rows) to.sample("dragoman_request_bytes_total", requestBytes, { protocol, method });

  to.family("dragoman_response_bytes_total", "counter", "Bytes of response messages as they were sent.");
  for (const { protocol, method, responseBytes } of rows) to.sample("dragoman_response_bytes_total", responseBytes, { protocol, method });

  to.family("dragoman_attempts_total", "counter", "Attempts at the upstream, one a call and one a retry.");
  for (const { protocol, method, attempts } of rows) to.sample("dragoman_attempts_total", attempts, { protocol, method });

  to.family("dragoman_stream_messages_total", "counter", "Messages of streams, by who sent them.");
  for (const { protocol, method, requestMessages, responseMessages } of rows) {
    if (requestMessages === 0 && responseMessages === 0) continue;
    to.sample("dragoman_stream_messages_total", requestMessages, { protocol, method, from: "caller" });
    to.sample("dragoman_stream_messages_total", responseMessages, { protocol, method, from: "upstream" });
  }

  to.family("dragoman_call_failures_total", "counter", "Calls that failed, by reason (docs/reasons.md) and by who is at fault.");
  for (const { reason, source, count } of metrics.failures()) to.sample("dragoman_call_failures_total", count, { reason, source });

  to.family("dragoman_policy_total", "counter", "What policies did, in their own words (docs/policies).");
  for (const { policy, outcome, count } of metrics.policies.all()) to.sample("dragoman_policy_total", count, { policy, outcome });
}
