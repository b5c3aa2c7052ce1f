/** Trace headers in and out: the W3C's cases on the lists themselves, B3 case by case and beside OpenTelemetry's own propagator. */
import assert from "node:assert/strict";
import { ROOT_CONTEXT, trace as traceApi, TraceFlags } from "@opentelemetry/api";
import { B3InjectEncoding, B3Propagator } from "@opentelemetry/propagator-b3";
import { SamplingDecision, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { systemRandom } from "../../../src/core/random.ts";
import { Propagation, type PropagationFormat } from "../../../src/telemetry/propagation.ts";
import { RatioSampler } from "../../../src/telemetry/sampler.ts";
import { isTraceparent, newTraceparent } from "../../../src/telemetry/trace-context.ts";
import { callersParentId, callersTraceId, traceContextCases } from "../../support/trace-context-cases.ts";

const always = new RatioSampler(1);
const never = new RatioSampler(0);
const traceparentForm = /^00-([0-9a-f]{32})-([0-9a-f]{16})-0([0-3])$/;

interface Sent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  /** What goes to the next hop: what the trace says, then what passed. */
  readonly fields: readonly string[];
  get(name: string): string | undefined;
}

function hop(fields: readonly (readonly [string, string])[], formats: readonly PropagationFormat[] = ["w3c"], sampler = always): Sent {
  const propagation = new Propagation(formats, sampler);
  const incoming = propagation.read(fields.flatMap(([name, value]) => [name.toLowerCase(), value]));
  const place = propagation.next(incoming, systemRandom);
  const [, traceId, spanId, flags] = traceparentForm.exec(place)!;
  const sent = [...propagation.fields(place, incoming.parent, incoming), ...incoming.metadata];
  const get = (name: string): string | undefined => {
    const at = sent.findIndex((text, i) => i % 2 === 0 && text === name);
    return at < 0 ? undefined : sent[at + 1];
  };
  return { traceId: traceId!, spanId: spanId!, flags: Number(flags), fields: sent, get };
}

describe("W3C trace context", () => {
  traceContextCases.forEach(({ name, fields, kept, state, flags }, at) =>
    it(`${at} ${name}`, () => {
      const sent = hop(fields);
      const traceparent = sent.get("traceparent")!;
      assert.ok(isTraceparent(traceparent));
      assert.equal(sent.fields.filter((text) => text === "traceparent").length, 1);
      assert.equal(sent.traceId === callersTraceId, kept);
      assert.notEqual(sent.spanId, callersParentId);
      assert.equal(sent.get("tracestate"), state);
      if (flags !== undefined) assert.equal(traceparent.slice(-2), flags);
      if (!kept) assert.equal(traceparent.slice(-2), "03", "a trace begun here is random and says so");
    }),
  );

  it("sends another parent id with each of several requests", () => {
    const valid = [["traceparent", `00-${callersTraceId}-${callersParentId}-01`]] as const;
    for (const fields of [valid, []]) assert.equal(new Set(Array.from({ length: 3 }, () => hop(fields).spanId)).size, 3);
  });

  it("carries baggage without a trace, in order, up to 64 members and 8192 bytes", () => {
    assert.equal(hop([["baggage", "a=1"], ["baggage", " b=2 ;p , c=3"]]).get("baggage"), "a=1,b=2 ;p,c=3"); // prettier-ignore
    const members = Array.from({ length: 70 }, (_, at) => `k${at}=v`);
    assert.equal(hop([["baggage", members.join(",")]]).get("baggage"), members.slice(0, 64).join(","));
    const large = `k=${"v".repeat(8190)}`;
    assert.equal(hop([["baggage", large]]).get("baggage"), large);
    assert.equal(hop([["baggage", `${large}v,small=1`]]).get("baggage"), "small=1");
  });

  it("passes other formats on untouched", () => {
    const sent = hop([["b3", "0"], ["x-b3-sampled", "1"]]); // prettier-ignore
    assert.deepEqual([sent.get("b3"), sent.get("x-b3-sampled"), sent.flags & 1], ["0", "1", 1]);
  });
});

describe("B3", () => {
  const trace = "80f198ee56343ba864fe8b2a57d3eff7";
  const span = "e457b5a2e4d86bd1";
  const grand = "05e3ac9a4f6e3b90";
  const half = "64fe8b2a57d3eff7";
  const padded = `${"0".repeat(16)}${half}`;

  interface Expected {
    /** undefined: a new trace. */
    readonly traceId: string | undefined;
    readonly sampled: boolean;
    readonly debug?: boolean;
  }
  const multi = (traceId: string, more: Readonly<Record<string, string>> = {}): readonly (readonly [string, string])[] => [
    ["X-B3-TraceId", traceId],
    ["X-B3-SpanId", span],
    ...Object.entries(more),
  ];
  const one = (value: string): readonly (readonly [string, string])[] => [["b3", value]];
  const cases: readonly (readonly [
    title: string,
    fields: readonly (readonly [string, string])[],
    expected: Expected,
    share?: RatioSampler,
  ])[] = [
    ["one field, accept", one(`${trace}-${span}-1`), { traceId: trace, sampled: true }, never],
    ["one field, deny", one(`${trace}-${span}-0`), { traceId: trace, sampled: false }],
    ["one field, debug implies accept", one(`${trace}-${span}-d`), { traceId: trace, sampled: true, debug: true }, never],
    ["one field with a parent", one(`${trace}-${span}-1-${grand}`), { traceId: trace, sampled: true }, never],
    ["one field, the decision left open: ours, yes", one(`${trace}-${span}`), { traceId: trace, sampled: true }],
    ["one field, the decision left open: ours, no", one(`${trace}-${span}`), { traceId: trace, sampled: false }, never],
    ["one field, 16 digits", one(`${half}-${span}-1`), { traceId: padded, sampled: true }],
    ["one field, upper case", one(`${trace.toUpperCase()}-${span.toUpperCase()}-1`), { traceId: trace, sampled: true }],
    ["one field, white space around", one(` ${trace}-${span}-1\t`), { traceId: trace, sampled: true }],
    ["deny alone", one("0"), { traceId: undefined, sampled: false }],
    ["accept alone", one("1"), { traceId: undefined, sampled: true }, never],
    ["debug alone", one("d"), { traceId: undefined, sampled: true, debug: true }, never],
    ["one field twice is none", [...one("0"), ...one("0")], { traceId: undefined, sampled: true }],
    ["one field, unknown state", one(`${trace}-${span}-2`), { traceId: undefined, sampled: true }],
    ["one field, ids of zeros", one(`${"0".repeat(32)}-${span}-1`), { traceId: undefined, sampled: true }],
    ["one field, span id of zeros", one(`${trace}-${"0".repeat(16)}-0`), { traceId: undefined, sampled: true }],
    ["one field, 31 digits", one(`${trace.slice(1)}-${span}-1`), { traceId: undefined, sampled: true }],
    ["several fields, accept", multi(trace, { "X-B3-Sampled": "1" }), { traceId: trace, sampled: true }, never],
    ["several fields, true", multi(trace, { "X-B3-Sampled": "true" }), { traceId: trace, sampled: true }, never],
    ["several fields, deny", multi(trace, { "X-B3-Sampled": "0" }), { traceId: trace, sampled: false }],
    ["several fields, false", multi(trace, { "X-B3-Sampled": "false" }), { traceId: trace, sampled: false }],
    ["several fields, debug", multi(trace, { "X-B3-Flags": "1" }), { traceId: trace, sampled: true, debug: true }, never],
    ["debug over deny", multi(trace, { "X-B3-Flags": "1", "X-B3-Sampled": "0" }), { traceId: trace, sampled: true, debug: true }, never],
    ["flags of 0 say nothing", multi(trace, { "X-B3-Flags": "0" }), { traceId: trace, sampled: false }, never],
    ["several fields, left open", multi(trace), { traceId: trace, sampled: true }],
    ["several fields with a parent", multi(trace, { "X-B3-ParentSpanId": grand }), { traceId: trace, sampled: true }],
    ["several fields, 16 digits", multi(half, { "X-B3-Sampled": "1" }), { traceId: padded, sampled: true }],
    ["a decision alone, in a field of its own", [["X-B3-Sampled", "0"]], { traceId: undefined, sampled: false }],
    ["a trace without a span", [["X-B3-TraceId", trace]], { traceId: undefined, sampled: true }],
    ["a trace twice", [...multi(trace), ["X-B3-TraceId", trace]], { traceId: undefined, sampled: true }],
    [
      "one field over several",
      [...one(`${trace}-${span}-0`), ...multi(padded, { "X-B3-Sampled": "1" })],
      { traceId: trace, sampled: false },
    ],
    ["several where the one is broken", [...one("nonsense"), ...multi(trace, { "X-B3-Sampled": "0" })], { traceId: trace, sampled: false }],
    ["nothing", [], { traceId: undefined, sampled: false }, never],
  ];
  for (const [title, fields, { traceId, sampled, debug = false }, share = always] of cases)
    it(title, () => {
      const sent = hop(fields, ["b3"], share);
      if (traceId === undefined) assert.ok(![trace, padded].includes(sent.traceId));
      else assert.equal(sent.traceId, traceId);
      assert.equal((sent.flags & 1) === 1, sampled);
      const [id, ownSpan, state, parent] = sent.get("b3")!.split("-");
      assert.equal(id, traceId === padded ? half : sent.traceId, "as long as it came");
      assert.equal(ownSpan, sent.spanId);
      assert.equal(state, debug ? "d" : sampled ? "1" : "0");
      assert.equal(parent, traceId === undefined ? undefined : span);
      for (const name of ["x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags", "traceparent"])
        assert.equal(sent.get(name), undefined, `${name} does not go on`);

      const several = hop(fields, ["b3multi"], share);
      assert.equal(several.get("x-b3-flags"), debug ? "1" : undefined);
      assert.equal(several.get("x-b3-sampled"), debug ? undefined : sampled ? "1" : "0");
      assert.equal(several.get("x-b3-parentspanid"), traceId === undefined ? undefined : span);
      assert.equal(several.get("b3"), undefined);
    });

  it("beside W3C: the first format that says anything is followed, all are sent", () => {
    const w3c = ["traceparent", `00-${callersTraceId}-${callersParentId}-00`] as const;
    const b3 = ["b3", `${trace}-${span}-1`] as const;
    for (const [formats, expected] of [
      [["w3c", "b3"], callersTraceId],
      [["b3", "w3c"], trace],
    ] as const) {
      const sent = hop([w3c, b3, ["tracestate", "a=1"]], formats);
      assert.equal(sent.traceId, expected);
      assert.equal(sent.get("tracestate"), expected === trace ? undefined : "a=1", "tracestate goes with its traceparent");
      assert.equal(sent.get("traceparent")!.slice(3, 35), expected);
      assert.ok(sent.get("b3")!.startsWith(expected));
    }
    const fallen = hop([["traceparent", "nonsense"], b3, ["tracestate", "a=1"]], ["w3c", "b3"]);
    assert.deepEqual([fallen.traceId, fallen.get("tracestate")], [trace, undefined]);
  });

  for (const [format, encoding] of [
    ["b3", B3InjectEncoding.SINGLE_HEADER],
    ["b3multi", B3InjectEncoding.MULTI_HEADER],
  ] as const)
    it(`${format}: OpenTelemetry's propagator reads what is sent, and what it sends is read`, () => {
      const propagator = new B3Propagator({ injectEncoding: encoding });
      const hexId = (digits: number): fc.Arbitrary<string> =>
        fc
          .array(fc.constantFrom(..."0123456789abcdef"), { minLength: digits, maxLength: digits })
          .map((list) => `1${list.join("").slice(1)}`);
      fc.assert(
        fc.property(hexId(32), hexId(16), fc.boolean(), (traceId, spanId, sampled) => {
          const carrier: Record<string, string> = {};
          const context = { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE };
          propagator.inject(traceApi.setSpanContext(ROOT_CONTEXT, context), carrier, {
            set: (to, key, value) => void (to[key] = String(value)),
          });
          const sent = hop(Object.entries(carrier), [format]);
          assert.deepEqual([sent.traceId, (sent.flags & 1) === 1], [traceId, sampled]);

          const received = Object.fromEntries(
            Array.from({ length: sent.fields.length / 2 }, (_, at) => sent.fields.slice(2 * at, 2 * at + 2)),
          );
          const read = propagator.extract(ROOT_CONTEXT, received as Record<string, string>, {
            get: (from, key) => from[key.toLowerCase()],
            keys: Object.keys,
          });
          const { spanId: next, traceId: same, traceFlags } = traceApi.getSpanContext(read)!;
          assert.deepEqual([same, next, (traceFlags & TraceFlags.SAMPLED) !== 0], [traceId, sent.spanId, sampled]);
        }),
        { numRuns: 50 },
      );
    });
});

describe("sampling by trace id", () => {
  it("agrees with OpenTelemetry's TraceIdRatioBased, for given ids and for those made here", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer(), (ratio, seed) => {
        const ours = new RatioSampler(ratio);
        const theirs = new TraceIdRatioBasedSampler(ratio);
        let state = seed;
        const random = { uint32: () => (state = Math.imul(state ^ 0x5bd1e995, 0x2c1b3c6d) + 0x297a2d39) >>> 0 };
        const begun = newTraceparent(random, ours);
        const traceId = begun.slice(3, 35);
        const taken = theirs.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED;
        assert.equal(ours.takes(traceId), taken);
        assert.equal(begun.slice(-2), taken ? "03" : "02");
      }),
      { numRuns: 500 },
    );
  });

  it("takes all of 100 %, none of 0 %, and about its share between", () => {
    const share = (ratio: number): number => {
      const sampler = new RatioSampler(ratio);
      return Array.from({ length: 4000 }, () => newTraceparent(systemRandom, sampler)).filter((text) => text.endsWith("3")).length / 4000;
    };
    assert.deepEqual([share(1), share(0)], [1, 0]);
    const tenth = share(0.1);
    assert.ok(tenth > 0.05 && tenth < 0.15, `${tenth}`);
  });
});
