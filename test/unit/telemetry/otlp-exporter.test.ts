/** The way of a span from the recorder to a collector that takes it, takes it later, refuses it, or is away. */
import assert from "node:assert/strict";
import { RequestEnvelope } from "../../../src/telemetry/otlp/export-request.ts";
import { rejectedItems } from "../../../src/telemetry/otlp/export-response.ts";
import { OtlpExporter, type ExportAnswer } from "../../../src/telemetry/otlp/otlp-exporter.ts";
import { SpanRecorder } from "../../../src/telemetry/otlp/span-recorder.ts";
import { spanKind, spanTemplate } from "../../../src/telemetry/otlp/span-template.ts";
import { readSpans } from "../../support/otlp.ts";
import { createPolicyHost } from "../../support/policy-host.ts";

const template = spanTemplate({ name: "a.B/C", kind: spanKind.server, attributes: { "rpc.method": "a.B/C" }, failed: false });
const taken: ExportAnswer = { outcome: "taken", rejected: 0 };
const later: ExportAnswer = { outcome: "later", afterMs: undefined, why: "away" };

function place(number: number): string {
  return `00-4bf92f3577b34da6a3ce929d0e0e4736-${number.toString(16).padStart(16, "0")}-01`;
}

function setUp(answer: (request: number) => ExportAnswer | Promise<ExportAnswer>, keepBytes = 0) {
  const host = createPolicyHost();
  const recorder = new SpanRecorder(host.clock);
  const ids: number[] = [];
  let requests = 0;
  const exporter = new OtlpExporter({
    recorder,
    envelope: new RequestEnvelope({ "service.name": "orders" }),
    destination: "http://collector",
    clock: host.clock,
    logger: host.logger,
    async send(request) {
      const given = await answer(requests++);
      if (given.outcome === "taken") ids.push(...readSpans(request).map(({ spanId }) => parseInt(spanId, 16)));
      return given;
    },
  });
  recorder.configure(exporter, keepBytes);
  let number = 0;
  const record = (count: number): void => {
    for (let i = 0; i < count; i++) recorder.record(template, place(++number), undefined, true, 1000, 1001, undefined);
  };
  /** Lets what waits for promises happen. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 50; i++) await Promise.resolve();
  };
  return { ...host, recorder, exporter, record, settle, ids, requests: () => requests };
}

describe("OTLP exporter", () => {
  it("sends what was recorded within half a second, once, in order", async () => {
    const { clock, record, settle, ids, exporter, requests } = setUp(() => taken);
    record(3);
    await settle();
    assert.equal(requests(), 0);
    clock.advance(500);
    await settle();
    assert.deepEqual(ids, [1, 2, 3]);
    assert.equal(exporter.exported, 3);
    clock.advance(5000);
    await settle();
    assert.equal(requests(), 1, "an idle process is silent");
  });

  it("sends full pages at once, several in a request, one request at a time", async () => {
    let open = 0;
    const release: (() => void)[] = [];
    const { record, settle, ids, exporter, recorder } = setUp(async () => {
      assert.equal(++open, 1);
      await new Promise<void>((resolve) => release.push(resolve));
      open--;
      return taken;
    });
    record(5000);
    await settle();
    assert.equal(release.length, 1);
    recorder.flush();
    while (ids.length < 5000) {
      release.shift()!();
      await settle();
    }
    assert.deepEqual([ids[0], ids.at(-1), exporter.exported], [1, 5000, 5000]);
  });

  it("tries again with growing waits, loses nothing meanwhile, says so once a minute", async () => {
    let away = true;
    const { clock, record, settle, ids, logged, requests } = setUp(() => (away ? later : taken));
    record(10);
    const waits: number[] = [];
    let last = 0;
    for (let ms = 0; ms < 60_000; ms += 50) {
      clock.advance(50);
      await settle();
      if (requests() > waits.length) {
        waits.push(ms - last);
        last = ms;
      }
    }
    assert.ok(waits.length >= 5 && waits.length <= 9, waits.join(" "));
    assert.ok(waits.at(-1)! > 8 * waits[1]!, waits.join(" "));
    assert.equal(logged.length, 1);
    away = false;
    clock.advance(30_000);
    await settle();
    assert.equal(ids.length, 10);
  });

  it("waits as long as the collector asks for", async () => {
    const { clock, record, settle, requests } = setUp(() => ({ outcome: "later", afterMs: 60_000, why: "full" }));
    record(1);
    clock.advance(500);
    await settle();
    clock.advance(59_000);
    await settle();
    assert.equal(requests(), 1);
    clock.advance(1500);
    await settle();
    assert.equal(requests(), 2);
  });

  it("does not send again what the collector refuses, and counts it", async () => {
    const { clock, record, settle, exporter, requests, logged } = setUp((request) =>
      request === 0 ? { outcome: "refused", why: "the collector answered 400" } : { outcome: "taken", rejected: 2 },
    );
    record(5);
    clock.advance(500);
    await settle();
    record(5);
    clock.advance(500);
    await settle();
    assert.deepEqual([requests(), exporter.refused, exporter.exported], [2, 7, 3]);
    assert.deepEqual(logged[0]!.fields, { why: "the collector answered 400", lost: 5 });
  });

  it("keeps the newest spans while the collector is away, in bounded memory, and counts the rest", async () => {
    let away = true;
    const { clock, record, settle, recorder, exporter, ids, logged } = setUp(() => (away ? later : taken));
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 100; i++) {
      record(1000);
      clock.advance(100);
      await settle();
    }
    const waiting = recorder.waitingSpans;
    assert.equal(recorder.lost + waiting, 100_000);
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 << 20);
    assert.ok(waiting > 10_000 && waiting < 30_000, `${waiting}`);
    assert.ok(logged.length <= 2, "no line per span");
    away = false;
    await exporter.close(1000);
    assert.equal(ids.length, waiting);
    assert.equal(ids.at(-1), 100_000, "the newest are there");
  });

  it("sends what waits when it is closed, and then no more", async () => {
    const { clock, record, settle, exporter, ids, requests } = setUp(() => taken);
    record(2);
    await exporter.close(1000);
    assert.deepEqual(ids, [1, 2]);
    record(2);
    clock.advance(60_000);
    await settle();
    assert.equal(requests(), 1);
    assert.equal(clock.timers, 0);
  });

  it("does not wait longer than it may for a collector that does not answer", async () => {
    const { clock, record, exporter, settle } = setUp(() => new Promise(() => undefined));
    record(1);
    const closed = exporter.close(1000);
    await settle();
    clock.advance(1000);
    await closed;
  });

  it("keeps the last spans for those who look, in the memory it was given", () => {
    const { recorder, record } = setUp(() => taken, 100_000);
    recorder.configure(undefined, 100_000);
    record(5000);
    const kept = [...recorder.recent()];
    assert.ok(kept.reduce((sum, { length }) => sum + length, 0) <= 100_000 + 64 * 1024);
    const [newest] = kept;
    const spans = readSpans(new RequestEnvelope({}).around([newest!]));
    assert.equal(parseInt(spans.at(-1)!.spanId, 16), 5000);
    recorder.configure(undefined, 0);
    assert.deepEqual([...recorder.recent()], []);
  });
});

describe("what a collector says", () => {
  const cases = [
    ["nothing", [], 0],
    ["an empty partial success", [0x0a, 0], 0],
    ["300 rejected", [0x0a, 3, 0x08, 0xac, 0x02], 300],
    ["a message alone", [0x0a, 3, 0x12, 1, 0x41], 0],
    ["JSON", [...Buffer.from("{}")], 0],
    ["cut off", [0x0a, 3, 0x08, 0xac], 0],
  ] as const;
  for (const [title, bytes, rejected] of cases) it(title, () => assert.equal(rejectedItems(Uint8Array.from(bytes)), rejected));
});
