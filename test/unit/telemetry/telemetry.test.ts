/** Buckets, counters, trace context, text formats and the logger. The line writer has a file of its own. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CallError } from "../../../src/core/call-error.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { okStatus, statusOf } from "../../../src/core/status.ts";
import { CallMetrics, otherMethods } from "../../../src/telemetry/call-metrics.ts";
import { bucketBoundsSeconds, bucketCount, bucketOf } from "../../../src/telemetry/duration-buckets.ts";
import { createJsonLogger } from "../../../src/telemetry/json-logger.ts";
import { jsonText } from "../../../src/telemetry/json-text.ts";
import { PrometheusText } from "../../../src/telemetry/prometheus.ts";
import { writeCallMetrics } from "../../../src/telemetry/write-call-metrics.ts";
import { combineBaggage } from "../../../src/telemetry/baggage.ts";
import { continueTraceparent, isTraceparent, newTraceparent, traceIdFrom, traceIdTo } from "../../../src/telemetry/trace-context.ts";
import { combineTracestate } from "../../../src/telemetry/trace-state.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const traffic = { requestBytes: 1, responseBytes: 2, requestMessages: 0, responseMessages: 0, attempt: 1 };

describe("duration buckets", () => {
  it("agree with their bounds for every duration", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e8, noNaN: true }), (durationMs) => {
        const at = bucketOf(durationMs);
        const seconds = Math.floor(Math.min(durationMs * 1000, 2e9)) / 1e6;
        assert.ok(at >= 0 && at < bucketCount);
        if (at < bucketCount - 1) assert.ok(seconds < bucketBoundsSeconds[at]!);
        if (at > 0) assert.ok(seconds >= bucketBoundsSeconds[at - 1]!);
      }),
    );
  });

  it("rise", () =>
    assert.deepEqual(
      [...bucketBoundsSeconds].sort((a, b) => a - b),
      bucketBoundsSeconds,
    ));
});

describe("call metrics", () => {
  const end = (metrics: CallMetrics, path: string, status = okStatus()): void => {
    metrics.start("grpc");
    metrics.end("grpc", path, status, 1, traffic);
  };
  const methods = (metrics: CallMetrics): string[] => [...metrics.rows()].map((row) => row.method);

  it("gives names that callers made up one label", () => {
    const metrics = new CallMetrics();
    metrics.setKnown(new Set(["/a.B/C"]));
    end(metrics, "/a.B/C", statusOf(new CallError("INTERNAL")));
    for (let i = 0; i < 1000; i++) end(metrics, `/x.Y/${i}`, statusOf(new CallError("UNKNOWN_METHOD")));
    assert.deepEqual(methods(metrics), ["a.B/C", otherMethods]);
  });

  it("gives a method outside the schema its own label once the upstream answered it with OK, up to a bound", () => {
    const metrics = new CallMetrics();
    for (let i = 0; i < 1000; i++) end(metrics, `/x.Y/${i}`);
    assert.equal(methods(metrics).length, 257);
  });

  it("keeps counters when the schema changes", () => {
    const metrics = new CallMetrics();
    metrics.setKnown(new Set(["/a.B/C"]));
    end(metrics, "/a.B/C");
    metrics.setKnown(new Set(["/a.B/D"]));
    end(metrics, "/a.B/C");
    const row = [...metrics.rows()][0]!;
    assert.equal(
      [...row.codes()][0]!.buckets.reduce((sum, count) => sum + count, 0),
      2,
    );
    assert.deepEqual([...metrics.active()], [{ protocol: "grpc", calls: 0 }]);
  });
});

describe("Prometheus text", () => {
  it("writes cumulative histograms that end in their count", () => {
    const text = new PrometheusText();
    text.family("t", "histogram", "h");
    text.histogram("t", [0.1, 1], [2, 3, 4], 7.5, { method: 'a"b\\c\nd' });
    const labels = 'method="a\\"b\\\\c\\nd"';
    assert.deepEqual(text.toString().split("\n"), [
      "# HELP t h",
      "# TYPE t histogram",
      `t_bucket{${labels},le="0.1"} 2`,
      `t_bucket{${labels},le="1"} 5`,
      `t_bucket{${labels},le="+Inf"} 9`,
      `t_sum{${labels}} 7.5`,
      `t_count{${labels}} 9`,
      "",
    ]);
  });

  it("keeps the samples of a family together, each family once", () => {
    const metrics = new CallMetrics();
    for (const protocol of ["rest", "grpc"]) {
      metrics.start(protocol);
      metrics.end(protocol, "/a.B/C", okStatus(), 3, traffic);
      metrics.start(protocol);
      metrics.end(protocol, "/a.B/C", statusOf(new CallError("INTERNAL")), 3, traffic);
    }
    const text = new PrometheusText();
    writeCallMetrics(text, metrics);
    const families: string[] = [];
    let current = "";
    for (const line of text.toString().trimEnd().split("\n")) {
      const declared = /^# TYPE (\S+)/.exec(line);
      if (declared !== null) families.push((current = declared[1]!));
      else if (!line.startsWith("#")) {
        assert.match(line, /^[a-z_]+(\{[^{}]*\})? [-+.\de]+$/);
        assert.ok(line.startsWith(current), `${line} stands under ${current}`);
      }
    }
    assert.equal(new Set(families).size, families.length);
  });
});

describe("trace context", () => {
  const valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const cases = [
    [valid, true],
    [valid.toUpperCase(), false],
    [`${valid}-x`, false],
    [`01${valid.slice(2)}`, true],
    [`01${valid.slice(2)}-what-comes-later`, true],
    [`01${valid.slice(2)}x`, false],
    [`ff${valid.slice(2)}`, false],
    [`00-${"0".repeat(32)}-00f067aa0ba902b7-01`, false],
    [`00-4bf92f3577b34da6a3ce929d0e0e4736-${"0".repeat(16)}-01`, false],
    [valid.slice(0, -1), false],
    [valid.replace("4bf9", "4bg9"), false],
    [valid.replace("-01", "_01"), false],
    ["", false],
  ] as const;
  for (const [text, accepted] of cases)
    it(`${accepted ? "takes" : "leaves"} ${JSON.stringify(text)}`, () => assert.equal(isTraceparent(text), accepted));

  for (const [flags, kept] of [
    ["00", "00"],
    ["01", "01"],
    ["03", "03"],
    ["ff", "03"],
    ["0a", "02"],
    ["fd", "01"],
    ["0c", "00"],
  ] as const)
    it(`keeps of the flags ${flags} only what is known: ${kept}`, () => {
      const next = continueTraceparent(`01${valid.slice(2, 53)}${flags}-later`, systemRandom);
      assert.match(next, new RegExp(`^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-${kept}$`));
    });

  it("makes valid traces, never of zeros, even from bad randomness", () => {
    const zeros = { uint32: () => 0 };
    assert.ok(isTraceparent(newTraceparent(zeros, true)));
    assert.ok(isTraceparent(continueTraceparent(valid, zeros)));
    const ids = new Set(Array.from({ length: 500 }, () => newTraceparent(systemRandom, true).slice(traceIdFrom, traceIdTo)));
    assert.equal(ids.size, 500);
  });

  it("drops a tracestate of more than 32 members or with bad keys, and keeps the first of doubles", () => {
    const members = (count: number): string => Array.from({ length: count }, (_, at) => `k${at}=v`).join(",");
    assert.equal(combineTracestate([members(32)]), members(32));
    assert.equal(combineTracestate([members(33)]), undefined);
    assert.equal(combineTracestate(["a=1,b=3,a=2"]), "a=1,b=3");
    assert.equal(combineTracestate(["A=1"]), undefined);
    assert.equal(combineTracestate(["t@v=1, ,x=y"]), "t@v=1,x=y");
    assert.equal(combineTracestate([""]), undefined);
  });

  it("keeps baggage within 64 members and 8192 bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.stringMatching(/^[a-z]{1,5}=[a-z]{0,300}$/), { maxLength: 40 }), { maxLength: 5 }), (fields) => {
        const combined = combineBaggage(fields.map((members) => members.join(",")));
        assert.ok(combined === undefined || (combined.length <= 8192 && combined.split(",").length <= 64));
      }),
      { numRuns: 50 },
    );
  });
});

describe("JSON text", () => {
  it("is what JSON.parse gives back, printable and on one line", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), (text) => {
        const quoted = jsonText(text, 1000);
        assert.equal(JSON.parse(quoted), text);
        assert.doesNotMatch(quoted, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
      }),
    );
  });

  it("cuts what is too long", () => assert.equal(jsonText("x".repeat(300)), `"${"x".repeat(256)}..."`));
});

describe("JSON logger", () => {
  it("writes one line per event of its level, with causes unfolded", () => {
    const lines: string[] = [];
    const logger = createJsonLogger({ clock: new FakeClock(), level: "warn", write: (line) => lines.push(line) });
    logger.info("not this");
    logger.warn("this", { at: 1, cause: new Error("outer", { cause: new Error("inner") }) });
    assert.equal(lines.length, 1);
    const event = JSON.parse(lines[0]!) as { time: string; level: string; cause: { stack: string; cause: string } };
    assert.deepEqual([event.time, event.level], ["2026-11-23T10:00:00.000Z", "warn"]);
    assert.match(event.cause.stack, /outer/);
    assert.match(event.cause.cause, /inner/);
  });
});
