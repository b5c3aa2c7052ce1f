import assert from "node:assert/strict";
import type { Config } from "../../../src/config/schema.ts";
import { tracesPage } from "../../../src/admin/traces-page.ts";
import { SpanRecorder } from "../../../src/telemetry/otlp/span-recorder.ts";
import { spanKind, spanTemplate } from "../../../src/telemetry/otlp/span-template.ts";
import { attributeField, bytesField, stringField, wholeField } from "../../../src/telemetry/otlp/proto-bytes.ts";
import type { RecentTrace } from "../../../src/telemetry/recent-traces.ts";
import { readSpans } from "../../../src/telemetry/otlp/read-spans.ts";
import type { Telemetry } from "../../../src/runtime/telemetry.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const clock = new FakeClock();
const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, "0");
const place = (trace: number, span: number): string => `00-${hex(trace, 32)}-${hex(span, 16)}-01`;
const shape = (name: string, failed = false): Uint8Array =>
  spanTemplate({
    name,
    kind: spanKind.server,
    attributes: { "rpc.method": "shop.v1.Orders/Get", "http.response.status_code": 200, odd: 0.5 },
    failed,
  });

function keeping(bytes: number): {
  recorder: SpanRecorder;
  ask: (query: string) => { status: number; traces: RecentTrace[]; message: string; note: string };
} {
  const recorder = new SpanRecorder(clock);
  recorder.configure(undefined, bytes);
  const runtime = { config: { service: "orders", telemetry: { tracesBytes: bytes } } as Config, telemetry: { recorder } as Telemetry };
  return {
    recorder,
    ask(query) {
      const { status, body } = tracesPage(runtime, { query, trusted: true, accept: "" });
      return { status, ...(JSON.parse(body) as { traces: RecentTrace[]; message: string; note: string }) };
    },
  };
}

describe("/traces", () => {
  it("says what to set where none are kept", () => {
    const { status, traces, note } = keeping(0).ask("");
    assert.deepEqual([status, traces], [200, []]);
    assert.match(note, /telemetry\.traces/);
  });

  it("puts spans of a trace together, in the order in which they began", () => {
    const { recorder, ask } = keeping(1 << 20);
    const event = bytesField(11, Buffer.concat([wholeField(1, 1_500_000_000n), stringField(2, "retry"), attributeField(3, "attempt", 2)]));
    recorder.record(shape("b"), place(7, 2), place(7, 1), false, 1001, 1004, undefined);
    recorder.record(shape("a", true), place(7, 1), undefined, true, 1000, 1010.25, event);
    const { traces } = ask("");
    const [trace] = traces;
    assert.deepEqual([traces.length, trace!.id, trace!.durationMs, trace!.failed], [1, hex(7, 32), 10.25, true]);
    assert.deepEqual(
      trace!.spans.map(({ name, parentId }) => [name, parentId]),
      [["a", undefined], ["b", hex(1, 16)]], // prettier-ignore
    );
    const [first] = trace!.spans;
    assert.deepEqual(first!.attributes, { "rpc.method": "shop.v1.Orders/Get", "http.response.status_code": 200, odd: 0.5 });
    assert.deepEqual(first!.events, [{ name: "retry", atMs: 1500, attributes: { attempt: 2 } }]);
    assert.equal(first!.startMs, clock.wallMs());
  });

  it("searches by id, method, status and duration, the newest first, up to a limit", () => {
    const { recorder, ask } = keeping(4 << 20);
    for (let i = 1; i <= 500; i++)
      recorder.record(shape(i % 2 === 0 ? "even" : "odd", i % 10 === 0), place(i << 8, i), undefined, true, 0, i, undefined);
    const numbers = (query: string): number[] => ask(query).traces.map(({ durationMs }) => durationMs);
    assert.deepEqual(numbers("limit=3"), [500, 499, 498]);
    assert.equal(numbers("").length, 20);
    assert.equal(numbers("limit=999").length, 200);
    assert.deepEqual(numbers("method=even&limit=2"), [500, 498]);
    assert.deepEqual(numbers("method=Orders/Get&limit=1"), [500]);
    assert.deepEqual(numbers("status=error&limit=2"), [500, 490]);
    assert.deepEqual(numbers("status=ok&limit=2"), [499, 498]);
    assert.deepEqual(numbers("min=499.5ms"), [500]);
    assert.deepEqual(numbers(`id=${hex(77 << 8, 32)}`), [77]);
    assert.deepEqual(numbers("method=nothing"), []);
  });

  it("says what is wrong with a question", () => {
    const { ask } = keeping(1 << 20);
    for (const [query, said] of [
      ["what=1", /unknown parameter "what".*method/],
      ["id=XYZ", /hex digits/],
      ["status=bad", /ok or error/],
      ["min=soon", /such as 500ms/],
      ["limit=0", /from 1 to 200/],
    ] as const) {
      const { status, message } = ask(query);
      assert.equal(status, 400);
      assert.match(message, said);
    }
  });

  it("is not told anything by a span that is cut off", () => assert.throws(() => readSpans(Uint8Array.of(0x12, 5, 0x0a)), RangeError));
});
