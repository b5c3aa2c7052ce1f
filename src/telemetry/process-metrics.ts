/**
 * The process in numbers: memory, CPU time, how late the event loop is.
 *
 * The trap: watching the event loop costs a timer that wakes an idle process, so it begins with the first question about it.
 */
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { MetricWriter } from "./metric-writer.ts";

const resolutionMs = 20;

export class ProcessMetrics {
  private delay: ReturnType<typeof monitorEventLoopDelay> | undefined;
  private readonly startedAtSeconds = (Date.now() - performance.now()) / 1000;

  write(text: MetricWriter): void {
    const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    text.single("process_cpu_seconds_total", "counter", "User and system CPU time.", (user + system) / 1e6);
    text.single("process_resident_memory_bytes", "gauge", "Resident memory.", rss);
    text.single("process_start_time_seconds", "gauge", "Start of the process, seconds since 1970.", this.startedAtSeconds);
    text.single("nodejs_heap_used_bytes", "gauge", "V8 heap in use.", heapUsed);
    text.single("nodejs_heap_size_bytes", "gauge", "V8 heap reserved.", heapTotal);
    text.single("nodejs_external_memory_bytes", "gauge", "Memory of objects outside the V8 heap.", external);
    text.single("nodejs_array_buffers_bytes", "gauge", "Memory of buffers, part of the external memory.", arrayBuffers);
    text.single(
      "nodejs_eventloop_utilization_ratio",
      "gauge",
      "Share of time the event loop was busy since the start.",
      performance.eventLoopUtilization().utilization,
    );
    this.writeDelay(text);
  }

  close(): void {
    this.delay?.disable();
  }

  private writeDelay(text: MetricWriter): void {
    if (this.delay === undefined) {
      this.delay = monitorEventLoopDelay({ resolution: resolutionMs });
      this.delay.enable();
      return;
    }
    const { delay } = this;
    // What is measured is the time between two ticks of the resolution's timer.
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000) || 0;
    for (const [which, value] of [
      ["p50", delay.percentile(50)],
      ["p99", delay.percentile(99)],
      ["max", delay.max],
    ] as const) {
      const name = `nodejs.eventloop.delay.${which}`;
      text.family(name, "gauge", "How late the event loop was since it was last asked.", "s");
      text.sample(name, late(value));
    }
    delay.reset();
  }
}
