/** Spans as we put them together, beside the same spans made by OpenTelemetry's SDK: both decoded by the published schema, for random calls. */
import assert from "node:assert/strict";
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace as traceApi,
  TraceFlags,
  type Attributes,
  type HrTime,
  type SpanContext,
} from "@opentelemetry/api";
import { TraceState } from "@opentelemetry/core";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { AlwaysOnSampler, InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { Call } from "../../src/core/call.ts";
import { CallError, type ErrorSource } from "../../src/core/call-error.ts";
import { Code } from "../../src/core/code.ts";
import { Deadline } from "../../src/core/deadline.ts";
import type { Handler } from "../../src/core/handler.ts";
import { MessageList } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import type { HttpBinding, Method } from "../../src/core/method.ts";
import { reasons, type Reason } from "../../src/core/reasons.ts";
import { UnaryReply } from "../../src/core/reply.ts";
import { okStatus, statusOf, type Status } from "../../src/core/status.ts";
import { trace } from "../../src/policies/trace.ts";
import { opaqueUnaryMethod } from "../../src/protocols/shared/opaque-type.ts";
import { withClientSpans } from "../../src/telemetry/client-spans.ts";
import { RequestEnvelope } from "../../src/telemetry/otlp/export-request.ts";
import { SpanRecorder } from "../../src/telemetry/otlp/span-recorder.ts";
import { spanKind, type SpanShape } from "../../src/telemetry/otlp/span-template.ts";
import { Propagation } from "../../src/telemetry/propagation.ts";
import { RecordedCallSlot } from "../../src/telemetry/recorded-call.ts";
import { RatioSampler } from "../../src/telemetry/sampler.ts";
import { clientSpan, serverSpan } from "../../src/telemetry/span-shapes.ts";
import { SentTraceparent } from "../../src/telemetry/trace-context.ts";
import { readSpans, type ReadSpan } from "../support/otlp.ts";
import { createPolicyHost } from "../support/policy-host.ts";
import type { Random } from "../../src/core/random.ts";
import { seededRandom } from "../support/seeded-random.ts";

const callsPerRun = 1000;
const runs = 10;

/** What is chosen at random, the same for the same seed. */
class Chance {
  private readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  uint32(): number {
    return this.random.uint32();
  }

  below(limit: number): number {
    return this.uint32() % limit;
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  hex(digits: number): string {
    return Array.from({ length: digits }, () => this.below(16).toString(16)).join("");
  }
}

const bindings: readonly (HttpBinding | undefined)[] = [
  undefined,
  { httpMethod: "GET", template: "/v1/{name=shops/*}/items", body: "", responseBody: "" },
  { httpMethod: "*", template: "/v1/naïve/é", body: "*", responseBody: "" },
];
const methods: readonly Method[] = [
  opaqueUnaryMethod("/shop.v1.Orders/Get"),
  { ...opaqueUnaryMethod("/shop.v1.Orders/List"), http: [bindings[1]!] },
  opaqueUnaryMethod("/http/PATCH"),
  opaqueUnaryMethod("/http/other"),
  opaqueUnaryMethod("/-/-"),
  opaqueUnaryMethod(`/${"long".repeat(40)}/Method`),
];
const protocols = ["rest", "http", "grpc", "grpc-web", "connect", "websocket"];
const addresses = ["10.0.0.7", "10.0.0.8", "2001:db8::1"];
const hosts = [undefined, { endpoint: { host: "10.1.0.1", port: 8080 } }, { endpoint: { host: "orders.internal", port: 50051 } }];
const upstream = { upstream: "grpc", address: "127.0.0.1", port: 50051 } as const;
const reasonWords = Object.keys(reasons) as Reason[];

function randomEnd(chance: Chance): Status {
  if (chance.below(2) === 0) return okStatus();
  const source = chance.one<ErrorSource>(["caller", "proxy", "upstream"]);
  const code = chance.one(Object.values(Code).filter((one) => one !== Code.OK));
  return statusOf(new CallError(chance.one(reasonWords), undefined, { source, ...(chance.below(3) === 0 ? { code } : {}) }));
}

function hrTime(wallMs: number): HrTime {
  const second = Math.floor(wallMs / 1000);
  return [second, Math.round((wallMs - second * 1000) * 1e6)];
}

/** The SDK with ids and times of ours. */
class Twin {
  private readonly exporter = new InMemorySpanExporter();
  private nextSpanId = "";
  private nextTraceId = "";
  private readonly provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new SimpleSpanProcessor({ exporter: this.exporter })],
    idGenerator: { generateSpanId: () => this.nextSpanId, generateTraceId: () => this.nextTraceId },
  });
  private readonly tracer = this.provider.getTracer("dragoman");

  /** @param parent of the span. @param place the span's own `traceparent` */
  span(
    place: string,
    parent: SpanContext | undefined,
    shape: SpanShape,
    rest: Attributes,
    startMs: number,
    endMs: number,
    events: readonly RandomEvent[],
  ): void {
    this.nextTraceId = place.slice(3, 35);
    this.nextSpanId = place.slice(36, 52);
    const span = this.tracer.startSpan(
      shape.name,
      {
        kind: shape.kind === spanKind.server ? SpanKind.SERVER : SpanKind.CLIENT,
        attributes: { ...shape.attributes, ...rest },
        startTime: hrTime(startMs),
      },
      parent === undefined ? ROOT_CONTEXT : traceApi.setSpanContext(ROOT_CONTEXT, parent),
    );
    for (const { name, attributes, wallMs } of events) span.addEvent(name, attributes, hrTime(wallMs));
    if (shape.failed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(hrTime(endMs));
  }

  async bytes(): Promise<Uint8Array> {
    await this.provider.forceFlush();
    return ProtobufTraceSerializer.serializeRequest(this.exporter.getFinishedSpans())!;
  }
}

interface RandomEvent {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly wallMs: number;
}

interface Plan {
  readonly attempts: readonly { readonly end: Status; readonly host: Call["host"] }[];
  readonly events: RandomEvent[];
  readonly traceState: Pick<SpanContext, "traceState">;
}

/** A sidecar with the policy and up to three attempts a call, and the SDK beside it. */
class Pair {
  readonly recorder: SpanRecorder;
  readonly twin = new Twin();
  private readonly host = createPolicyHost();
  private readonly chance: Chance;
  private readonly plans = new WeakMap<Call, Plan>();
  private readonly handlers: ReadonlyMap<Method, Handler>;

  constructor(chance: Chance) {
    this.chance = chance;
    const recorder = (this.recorder = new SpanRecorder(this.host.clock));
    const tracing = { samplingRatio: 1, propagation: ["w3c"], recorder } as const;
    const layer = trace.create(trace.config.parse({}), { ...this.host, random: chance, tracing });
    const propagation = new Propagation(tracing.propagation, new RatioSampler(1));
    const attempting = withClientSpans((call) => this.answer(call), {
      recorder,
      propagation,
      random: chance,
      clock: this.host.clock,
      upstream,
    });
    this.handlers = new Map(methods.map((method) => [method, layer((call) => this.retry(call, attempting))]));
  }

  async call(): Promise<void> {
    const { chance, host } = this;
    const { clock } = host;
    const method = chance.one(methods);
    const binding = chance.one(bindings);
    const protocol = chance.one(protocols);
    const secure = chance.below(2) === 0;
    const address = chance.one(addresses);
    const httpStatus = chance.one([0, 0, 200, 404, 503]);
    const parent = chance.below(3) === 0 ? undefined : { traceId: `1${chance.hex(31)}`, spanId: `1${chance.hex(15)}` };
    const tracestate = parent === undefined || chance.below(3) > 0 ? undefined : `vendor=${chance.hex(8)},other=1`;
    const metadata = new Metadata(["x-a", "1"]);
    if (parent !== undefined) metadata.append("traceparent", `00-${parent.traceId}-${parent.spanId}-${chance.one(["01", "03"])}`);
    if (tracestate !== undefined) metadata.append("tracestate", tracestate);

    this.advance();
    const arrivedWallMs = clock.wallMs();
    const call = new Call(method, { address, protocol, secure }, metadata, new MessageList([]), new Deadline(), clock.nowMs());
    call.binding = binding;
    call.httpStatus = httpStatus;
    const tries = chance.below(4) === 0 ? 2 + chance.below(2) : 1;
    const attempts = Array.from({ length: tries }, () => ({ end: randomEnd(chance), host: chance.one(hosts) }));
    const traceState = tracestate === undefined ? {} : { traceState: new TraceState(tracestate) };
    const events: RandomEvent[] = [];
    this.plans.set(call, { attempts, events, traceState });

    await this.handlers.get(method)!(call);
    this.advance();
    const end = randomEnd(chance);
    call.finish(end, clock.nowMs());
    const shape = serverSpan({ protocol, secure, method, binding }, { code: end.code, error: end.error }, httpStatus);
    const remote = parent === undefined ? undefined : { ...parent, traceFlags: TraceFlags.SAMPLED, isRemote: true, ...traceState };
    const place = call.slots.get(SentTraceparent)!;
    this.twin.span(place, remote, shape, { "client.address": address }, arrivedWallMs, clock.wallMs(), events);
  }

  private advance(): void {
    this.host.clock.advance(this.chance.below(2_000_000) / 1000 + this.chance.below(1000) / 1e6);
  }

  private async retry(call: Call, attempting: Handler): Promise<UnaryReply> {
    const { clock } = this.host;
    const { attempts, events, traceState } = this.plans.get(call)!;
    for (const [at, { end, host }] of attempts.entries()) {
      call.attempt = at + 1;
      call.host = host;
      if (at > 0) {
        const event = { name: "retry", attributes: { attempt: at + 1, reason: "é", last: at === 2, wait: 0.25 }, wallMs: clock.wallMs() };
        call.slots.get(RecordedCallSlot)!.addEvent(event.name, event.attributes);
        events.push(event);
      }
      const startMs = clock.wallMs();
      await attempting(call).catch(() => undefined);
      const place = call.hopFields![1]!;
      const spanId = call.slots.get(SentTraceparent)!.slice(36, 52);
      const above = { traceId: place.slice(3, 35), spanId, traceFlags: TraceFlags.SAMPLED, ...traceState };
      const endpoint = host?.endpoint;
      const side = { method: call.method, ...upstream, ...(endpoint && { address: endpoint.host, port: endpoint.port }), attempt: at + 1 };
      this.twin.span(place, above, clientSpan(side, { code: end.code, error: end.error }), {}, startMs, clock.wallMs(), []);
    }
    return new UnaryReply(Metadata.empty, call.messages, okStatus());
  }

  private answer(call: Call): Promise<UnaryReply> {
    this.advance();
    const { end } = this.plans.get(call)!.attempts[call.attempt - 1]!;
    return end.error === undefined ? Promise.resolve(new UnaryReply(Metadata.empty, call.messages, end)) : Promise.reject(end.error);
  }
}

/** In the order of their ids, without what the SDK does not know: that an id is random. */
function comparable(spans: readonly ReadSpan[]): object[] {
  const randomFlag = 2;
  return spans
    .map(({ resource: _resource, flags, ...span }) => ({ ...span, flags: flags & ~randomFlag }))
    .sort((a, b) => (`${a.traceId}${a.spanId}` < `${b.traceId}${b.spanId}` ? -1 : 1));
}

function textOf(spans: readonly object[]): string {
  return JSON.stringify(spans, (_key, value: unknown) => {
    if (typeof value === "bigint") return value.toString();
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

describe("span bytes", () => {
  it(`are the SDK's spans: ids, parents, kinds, attributes, status, events, times (${runs * callsPerRun} calls)`, async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const pair = new Pair(new Chance(seed));
        const { recorder, twin } = pair;
        const taken: Uint8Array[] = [];
        const takeAll = (): void => {
          for (let pages = recorder.take(8); pages.length > 0; pages = recorder.take(8)) {
            for (const page of pages) taken.push(Buffer.from(page.content));
            recorder.done(pages);
          }
        };
        recorder.configure({ notify: takeAll }, 0);
        for (let i = 0; i < callsPerRun; i++) await pair.call();
        recorder.flush();
        assert.equal(recorder.lost, 0);
        const ours = readSpans(new RequestEnvelope({ "service.name": "orders" }).around(taken));
        assert.equal(ours.length, recorder.recorded);
        const [made, expected] = [comparable(ours), comparable(readSpans(await twin.bytes()))];
        // Comparing texts takes a tenth of the time; objects say better what differs.
        if (textOf(made) !== textOf(expected)) assert.deepEqual(made, expected);
      }),
      { numRuns: runs },
    );
  });
});
