/**
 * The table: what the backend does with each attempt of a call, and what the call does then.
 *
 * Chance is a half throughout: the waits before retries are 12.5, 37.5, 87.5 and 125 ms unless something is said.
 */
import type { Answer, Case, MethodKind } from "./play.ts";

const ok = 0;
const unavailable = 14;
const down: Answer = { status: unavailable };
const pushed = (value: string | readonly string[]): Answer => ({ status: unavailable, trailers: { "grpc-retry-pushback-ms": value } });
const nothing = {};
const thrice = [0, 12.5, 50];

const kinds: readonly Case[] = [
  { what: "a call that succeeds", answers: ["ok"], sentAtMs: [0], code: "OK", counted: nothing },
  { what: "UNAVAILABLE once", answers: [down, "ok"], sentAtMs: [0, 12.5], code: "OK", counted: { retried: 1, recovered: 1 } },
  { what: "UNAVAILABLE twice", answers: [down, down, "ok"], sentAtMs: thrice, code: "OK", counted: { retried: 2, recovered: 1 } },
  { what: "UNAVAILABLE for ever", answers: [down], sentAtMs: thrice, code: "UNAVAILABLE", counted: { retried: 2, exhausted: 1 } },
  { what: "UNAVAILABLE, without side effects", method: "safe", answers: [down, "ok"], sentAtMs: [0, 12.5], code: "OK" },
  { what: "UNAVAILABLE, not idempotent", method: "plain", answers: [down], sentAtMs: [0], code: "UNAVAILABLE", counted: nothing },
  { what: "five attempts", settings: { attempts: 5 }, answers: [down], sentAtMs: [0, 12.5, 50, 137.5, 262.5], code: "UNAVAILABLE" },
  { what: "two attempts", settings: { attempts: 2 }, answers: [down], sentAtMs: [0, 12.5], code: "UNAVAILABLE" },
  {
    what: "a back-off of its own",
    settings: { attempts: 4, backOff: { base: "100ms", max: "400ms" } },
    answers: [down],
    sentAtMs: [0, 50, 200, 400],
    code: "UNAVAILABLE",
  },
  { what: "ABORTED, which is not named", answers: [{ status: 10 }], sentAtMs: [0], code: "ABORTED", counted: nothing },
  { what: "ABORTED, which is named", settings: { on: ["ABORTED"] }, answers: [{ status: 10 }, "ok"], sentAtMs: [0, 12.5], code: "OK" },
  {
    what: "ABORTED, named, not idempotent",
    method: "plain",
    settings: { on: ["ABORTED"] },
    answers: [{ status: 10 }],
    sentAtMs: [0],
    code: "ABORTED",
  },
  { what: "UNAVAILABLE where only ABORTED is named", settings: { on: ["ABORTED"] }, answers: [down], sentAtMs: [0], code: "UNAVAILABLE" },
  { what: "a code that is named and then one that is not", answers: [down, { status: 5 }], sentAtMs: [0, 12.5], code: "NOT_FOUND" },
  { what: "RESOURCE_EXHAUSTED: the upstream has had enough", answers: [{ status: 8 }], sentAtMs: [0], code: "RESOURCE_EXHAUSTED" },
  { what: "DEADLINE_EXCEEDED of the upstream's own", answers: [{ status: 4 }], sentAtMs: [0], code: "DEADLINE_EXCEEDED" },
  { what: "INTERNAL", answers: [{ status: 13 }], sentAtMs: [0], code: "INTERNAL" },
  { what: "CANCELLED by the upstream", answers: [{ status: 1 }], sentAtMs: [0], code: "CANCELLED" },
  { what: "a status that is no number of the table", answers: [{ status: 77 }], sentAtMs: [0], code: "UNKNOWN" },
];

const statuses: readonly Case[] = [
  { what: "a status in the trailers, after a head", answers: [{ status: 14, after: "head" }, "ok"], sentAtMs: [0, 12.5], code: "OK" },
  { what: "a status in the trailers, after a message", answers: [{ status: 14, after: "message" }, "ok"], sentAtMs: [0, 12.5], code: "OK" },
  {
    what: "a status in the trailers, not idempotent",
    method: "plain",
    answers: [{ status: 14, after: "head" }],
    sentAtMs: [0],
    code: "UNAVAILABLE",
  },
  { what: "503 of plain HTTP instead of gRPC", answers: [{ http: 503 }, "ok"], sentAtMs: [0, 12.5], code: "OK" },
  { what: "502 of plain HTTP instead of gRPC", answers: [{ http: 502 }, "ok"], sentAtMs: [0, 12.5], code: "OK" },
  { what: "503 of plain HTTP, not idempotent", method: "plain", answers: [{ http: 503 }], sentAtMs: [0], code: "UNAVAILABLE" },
  { what: "404 of plain HTTP instead of gRPC", answers: [{ http: 404 }], sentAtMs: [0], code: "UNIMPLEMENTED" },
  { what: "OK without a message", answers: [{ status: ok, after: "head" }], sentAtMs: [0], code: "UNIMPLEMENTED" },
];

const transparent: readonly Case[] = (["plain", "idempotent"] as readonly MethodKind[]).flatMap((method): readonly Case[] => [
  {
    what: `REFUSED_STREAM once, ${method}`,
    method,
    answers: ["refused", "ok"],
    sentAtMs: [0, 0],
    code: "OK",
    previous: [undefined, undefined],
  },
  { what: `REFUSED_STREAM twice, ${method}`, method, answers: ["refused", "refused", "ok"], sentAtMs: [0, 0, 12.5], code: "OK" },
  {
    what: `REFUSED_STREAM for ever, ${method}`,
    method,
    answers: ["refused"],
    sentAtMs: [0, 0, 12.5, 50],
    code: "UNAVAILABLE",
    previous: [undefined, undefined, "1", "2"],
    counted: { repeated: 1, retried: 2, exhausted: 1 },
  },
  {
    what: `GOAWAY below the stream, ${method}`,
    method,
    answers: ["goaway", "ok"],
    sentAtMs: [0, 0],
    code: "OK",
    counted: { repeated: 1, recovered: 1 },
  },
  { what: `REFUSED_STREAM without any budget, ${method}`, method, budget: 0, answers: ["refused", "ok"], sentAtMs: [0, 0], code: "OK" },
  {
    what: `REFUSED_STREAM twice without any budget, ${method}`,
    method,
    budget: 0,
    answers: ["refused", "refused"],
    sentAtMs: [0, 0],
    code: "UNAVAILABLE",
    counted: { repeated: 1, "over-budget": 1 },
  },
  {
    what: `no server, ${method}`,
    method,
    answers: ["unreachable", "ok"],
    sentAtMs: [0, 12.5],
    code: "OK",
    counted: { retried: 1, recovered: 1 },
  },
]);

const resets: readonly Case[] = [
  { what: "a broken connection", answers: ["broken", "ok"], sentAtMs: [0, 12.5], code: "OK" },
  { what: "a broken connection, not idempotent", method: "plain", answers: ["broken"], sentAtMs: [0], code: "UNAVAILABLE" },
  { what: "a reset: INTERNAL_ERROR", answers: [{ reset: 2 }], sentAtMs: [0], code: "INTERNAL" },
  {
    what: "a reset: INTERNAL_ERROR, named",
    settings: { on: ["INTERNAL"] },
    answers: [{ reset: 2 }, "ok"],
    sentAtMs: [0, 12.5],
    code: "OK",
  },
  { what: "a reset: ENHANCE_YOUR_CALM", answers: [{ reset: 11 }], sentAtMs: [0], code: "RESOURCE_EXHAUSTED" },
  { what: "a reset: CANCEL", answers: [{ reset: 8 }], sentAtMs: [0], code: "CANCELLED" },
  { what: "refused and then down, not idempotent", method: "plain", answers: ["refused", down], sentAtMs: [0, 0], code: "UNAVAILABLE" },
  {
    what: "no server and then down, not idempotent",
    method: "plain",
    answers: ["unreachable", down],
    sentAtMs: [0, 12.5],
    code: "UNAVAILABLE",
  },
  {
    what: "down and then refused",
    answers: [down, "refused", "ok"],
    sentAtMs: [0, 12.5, 12.5],
    code: "OK",
    previous: [undefined, "1", "1"],
  },
];

const never = ["-1", "-2147483648", "soon", "", "1.5", "1e3", "0x10", "5ms", "99999999999", "300001"];

const pushback: readonly Case[] = [
  { what: "pushback 0", answers: [pushed("0"), "ok"], sentAtMs: [0, 0], code: "OK" },
  { what: "pushback 1", answers: [pushed("1"), "ok"], sentAtMs: [0, 1], code: "OK" },
  { what: "pushback 10000", answers: [pushed("10000"), "ok"], sentAtMs: [0, 10_000], code: "OK" },
  { what: "the longest pushback there is", deadlineMs: Infinity, answers: [pushed("300000"), "ok"], sentAtMs: [0, 300_000], code: "OK" },
  ...never.map((value): Case => ({
    what: `pushback ${JSON.stringify(value)}`,
    deadlineMs: Infinity,
    answers: [pushed(value), "ok"],
    sentAtMs: [0],
    code: "UNAVAILABLE",
    counted: { "pushed-back": 1 },
  })),
  { what: "two pushbacks", answers: [pushed(["1", "2"]), "ok"], sentAtMs: [0], code: "UNAVAILABLE", counted: { "pushed-back": 1 } },
  {
    what: "the back-off after a pushback",
    settings: { attempts: 5 },
    answers: [down, pushed("100"), down, "ok"],
    sentAtMs: [0, 12.5, 112.5, 125],
    code: "OK",
  },
  {
    what: "pushback, once too often",
    settings: { attempts: 2 },
    answers: [pushed("5")],
    sentAtMs: [0, 5],
    code: "UNAVAILABLE",
    counted: { retried: 1, exhausted: 1 },
  },
  { what: "pushback, not idempotent", method: "plain", answers: [pushed("5")], sentAtMs: [0], code: "UNAVAILABLE" },
  {
    what: "pushback with a code that is not named",
    answers: [{ status: 13, trailers: { "grpc-retry-pushback-ms": "5" } }],
    sentAtMs: [0],
    code: "INTERNAL",
  },
  {
    what: "pushback behind a head",
    answers: [{ status: 14, after: "head", trailers: { "grpc-retry-pushback-ms": "70" } }, "ok"],
    sentAtMs: [0, 70],
    code: "OK",
  },
  {
    what: "pushback without any budget",
    budget: 0,
    answers: [pushed("0")],
    sentAtMs: [0],
    code: "UNAVAILABLE",
    counted: { "over-budget": 1 },
  },
  {
    what: "pushback beyond the deadline",
    deadlineMs: 100,
    answers: [pushed("100")],
    sentAtMs: [0],
    code: "UNAVAILABLE",
    counted: { "too-late": 1 },
  },
  { what: "pushback just before the deadline", deadlineMs: 100, answers: [pushed("99"), "ok"], sentAtMs: [0, 99], code: "OK" },
  ...(
    [
      ["2", [0, 2000]],
      ["0", [0, 0]],
      ["Mon, 23 Nov 2026 10:00:03 GMT", [0, 3000]],
      ["Mon, 23 Nov 2026 09:59:00 GMT", [0, 0]],
      ["later", [0, 12.5]],
      ["-1", [0, 12.5]],
      ["1.5", [0, 12.5]],
    ] as const
  ).map(([value, sentAtMs]): Case => ({
    what: `retry-after ${JSON.stringify(value)}`,
    answers: [{ status: 14, trailers: { "retry-after": value } }, "ok"],
    sentAtMs,
    code: "OK",
  })),
  {
    what: "retry-after of more than five minutes",
    deadlineMs: Infinity,
    answers: [{ status: 14, trailers: { "retry-after": "301" } }],
    sentAtMs: [0],
    code: "UNAVAILABLE",
    counted: { "pushed-back": 1 },
  },
  {
    what: "pushback before retry-after",
    answers: [{ status: 14, trailers: { "retry-after": "9", "grpc-retry-pushback-ms": "3" } }, "ok"],
    sentAtMs: [0, 3],
    code: "OK",
  },
];

const budgets: readonly Case[] = [
  { what: "no budget", budget: 0, answers: [down], sentAtMs: [0], code: "UNAVAILABLE", counted: { "over-budget": 1 } },
  {
    what: "a budget of one",
    budget: 1,
    answers: [down],
    sentAtMs: [0, 12.5],
    code: "UNAVAILABLE",
    counted: { retried: 1, "over-budget": 1 },
  },
  { what: "a budget of two", budget: 2, answers: [down], sentAtMs: thrice, code: "UNAVAILABLE", counted: { retried: 2, exhausted: 1 } },
  {
    what: "no budget, no server, not idempotent",
    method: "plain",
    budget: 0,
    answers: ["unreachable"],
    sentAtMs: [0],
    code: "UNAVAILABLE",
  },
  {
    what: "a share that one call is not enough for",
    settings: { budget: { share: "99%", perSecond: 0 } },
    answers: [down],
    sentAtMs: [0],
    code: "UNAVAILABLE",
  },
  {
    what: "a share of all calls",
    settings: { budget: { share: "100%", perSecond: 0 } },
    answers: [down],
    sentAtMs: [0, 12.5],
    code: "UNAVAILABLE",
  },
];

const times: readonly Case[] = [
  {
    what: "a back-off that the deadline ends",
    deadlineMs: 12,
    answers: [down],
    sentAtMs: [0],
    code: "UNAVAILABLE",
    counted: { "too-late": 1 },
  },
  { what: "a back-off that is as long as the deadline", deadlineMs: 12.5, answers: [down], sentAtMs: [0], code: "UNAVAILABLE" },
  { what: "a second back-off that the deadline ends", deadlineMs: 45, answers: [down], sentAtMs: [0, 12.5], code: "UNAVAILABLE" },
  { what: "the deadline in the second attempt", deadlineMs: 1000, answers: [down, "hang"], sentAtMs: [0, 12.5], code: "DEADLINE_EXCEEDED" },
  {
    what: "the deadline in the first attempt",
    deadlineMs: 1000,
    answers: ["hang"],
    sentAtMs: [0],
    code: "DEADLINE_EXCEEDED",
    counted: nothing,
  },
  { what: "a caller that leaves in the back-off", leavesAtMs: 30, answers: [down], sentAtMs: [0, 12.5], code: "CANCELLED" },
  { what: "a caller that leaves in a pushback", leavesAtMs: 30, answers: [pushed("5000")], sentAtMs: [0], code: "CANCELLED" },
  { what: "a caller that leaves in the second attempt", leavesAtMs: 30, answers: [down, "hang"], sentAtMs: [0, 12.5], code: "CANCELLED" },
  {
    what: "attempts with a time of their own",
    settings: { perTryTimeout: "100ms" },
    answers: ["hang", "hang", "ok"],
    sentAtMs: [0, 112.5, 257.5],
    code: "OK",
    counted: { retried: 2, recovered: 1 },
  },
  {
    what: "the last attempt has all the time",
    settings: { perTryTimeout: "100ms", attempts: 2 },
    deadlineMs: 2000,
    answers: ["hang"],
    sentAtMs: [0, 112.5],
    code: "DEADLINE_EXCEEDED",
  },
  {
    what: "no time of their own for what is not idempotent",
    method: "plain",
    settings: { perTryTimeout: "100ms" },
    deadlineMs: 2000,
    answers: ["hang"],
    sentAtMs: [0],
    code: "DEADLINE_EXCEEDED",
  },
  {
    what: "an attempt's time and then a failure",
    settings: { perTryTimeout: "100ms" },
    answers: ["hang", { status: 5 }],
    sentAtMs: [0, 112.5],
    code: "NOT_FOUND",
  },
  {
    what: "an attempt's time without any budget",
    settings: { perTryTimeout: "100ms" },
    budget: 0,
    answers: ["hang"],
    sentAtMs: [0],
    code: "DEADLINE_EXCEEDED",
  },
];

const headers: readonly Case[] = [
  { what: "the number of earlier attempts", answers: [down], sentAtMs: thrice, code: "UNAVAILABLE", previous: [undefined, "1", "2"] },
  {
    what: "the caller's attempts are added",
    metadata: { "grpc-previous-rpc-attempts": "2" },
    answers: [down],
    sentAtMs: thrice,
    code: "UNAVAILABLE",
    previous: ["2", "3", "4"],
  },
  {
    what: "a number of the caller's that is none",
    metadata: { "grpc-previous-rpc-attempts": "many" },
    answers: [down, "ok"],
    sentAtMs: [0, 12.5],
    code: "OK",
    previous: ["many", "1"],
  },
];

const streams: readonly Case[] = [
  { what: "a stream that is down at once", method: "idempotent stream", answers: [down, "ok"], sentAtMs: [0, 12.5], code: "OK" },
  {
    what: "a stream that is down behind its head",
    method: "idempotent stream",
    answers: [{ status: 14, after: "head" }],
    sentAtMs: [0],
    code: "UNAVAILABLE",
  },
  {
    what: "a stream that is down behind a message",
    method: "idempotent stream",
    answers: [{ status: 14, after: "message" }],
    sentAtMs: [0],
    code: "UNAVAILABLE",
  },
  { what: "a stream that is down, not idempotent", method: "stream", answers: [down], sentAtMs: [0], code: "UNAVAILABLE" },
  { what: "a stream that is refused", method: "stream", answers: ["refused", "ok"], sentAtMs: [0, 0], code: "OK" },
  { what: "a stream below whose number there is a GOAWAY", method: "stream", answers: ["goaway", "ok"], sentAtMs: [0, 0], code: "OK" },
  {
    what: "messages that are sent again",
    method: "idempotent stream",
    sends: [10, 20, 30],
    answers: [down, down, "ok"],
    sentAtMs: thrice,
    code: "OK",
  },
  {
    what: "64 KiB of messages",
    method: "idempotent stream",
    sends: [32_768, 32_768],
    answers: [down, "ok"],
    sentAtMs: [0, 12.5],
    code: "OK",
  },
  {
    what: "a byte more: committed",
    method: "idempotent stream",
    sends: [32_768, 32_769],
    answers: [down],
    sentAtMs: [0],
    code: "UNAVAILABLE",
    counted: nothing,
  },
  {
    what: "a replay that is smaller",
    method: "idempotent stream",
    settings: { replay: "32B" },
    sends: [10, 20, 30],
    answers: [down],
    sentAtMs: [0],
    code: "UNAVAILABLE",
  },
  {
    what: "messages of a stream that is refused",
    method: "stream",
    sends: [10, 20],
    answers: ["refused", "ok"],
    sentAtMs: [0, 0],
    code: "OK",
  },
];

const hedging = (list: readonly Omit<Case, "policy">[]): readonly Case[] =>
  list.map(({ settings, what, ...rest }) => ({
    ...rest,
    what: `hedge: ${what}`,
    policy: "hedge",
    settings: { delay: "100ms", attempts: 3, ...settings },
  }));

const hedges = hedging([
  { what: "an answer in time", answers: ["ok"], sentAtMs: [0], code: "OK", counted: nothing },
  {
    what: "a second attempt answers first",
    answers: ["hang", "ok"],
    sentAtMs: [0, 100],
    code: "OK",
    previous: [undefined, "1"],
    counted: { sent: 1, won: 1 },
  },
  {
    what: "a third attempt answers first",
    answers: ["hang", "hang", "ok"],
    sentAtMs: [0, 100, 200],
    code: "OK",
    previous: [undefined, "1", "2"],
  },
  { what: "nobody answers", deadlineMs: 1000, answers: ["hang"], sentAtMs: [0, 100, 200], code: "DEADLINE_EXCEEDED" },
  { what: "a code that is not fatal brings the next at once", answers: [down, "ok"], sentAtMs: [0, 0], code: "OK" },
  { what: "only codes that are not fatal", answers: [down], sentAtMs: [0, 0, 0], code: "UNAVAILABLE" },
  { what: "a fatal code ends the call", answers: [{ status: 5 }, "ok"], sentAtMs: [0], code: "NOT_FOUND", counted: nothing },
  {
    what: "a fatal code ends the attempts under way",
    answers: ["hang", { status: 7 }, "ok"],
    sentAtMs: [0, 100],
    code: "PERMISSION_DENIED",
  },
  { what: "a code that is not fatal, while another is under way", answers: ["hang", down, "ok"], sentAtMs: [0, 100, 100], code: "OK" },
  {
    what: "the last one fails, the first still answers nothing",
    deadlineMs: 500,
    answers: ["hang", down, down],
    sentAtMs: [0, 100, 100],
    code: "DEADLINE_EXCEEDED",
  },
  { what: "RESOURCE_EXHAUSTED is fatal", answers: [{ status: 8 }], sentAtMs: [0], code: "RESOURCE_EXHAUSTED" },
  { what: "pushback puts the next off", answers: [pushed("250"), "ok"], sentAtMs: [0, 250], code: "OK" },
  { what: "pushback -1: no more", answers: [pushed("-1"), "ok"], sentAtMs: [0], code: "UNAVAILABLE", counted: { "pushed-back": 1 } },
  {
    what: "pushback that is no number: no more, but what is under way goes on",
    deadlineMs: 500,
    answers: ["hang", pushed("x"), "ok"],
    sentAtMs: [0, 100],
    code: "DEADLINE_EXCEEDED",
  },
  { what: "pushback beyond the deadline", deadlineMs: 200, answers: [pushed("200")], sentAtMs: [0], code: "UNAVAILABLE" },
  {
    what: "no budget",
    budget: 0,
    deadlineMs: 500,
    answers: ["hang", "ok"],
    sentAtMs: [0],
    code: "DEADLINE_EXCEEDED",
    counted: { "over-budget": 1 },
  },
  {
    what: "a budget of one",
    budget: 1,
    answers: [down, down, "ok"],
    sentAtMs: [0, 0],
    code: "UNAVAILABLE",
    counted: { sent: 1, "over-budget": 1 },
  },
  { what: "not idempotent: retry's affair", method: "plain", answers: [down], sentAtMs: [0], code: "UNAVAILABLE", counted: nothing },
  {
    what: "not idempotent and slow: never twice",
    method: "plain",
    deadlineMs: 500,
    answers: ["hang"],
    sentAtMs: [0],
    code: "DEADLINE_EXCEEDED",
  },
  { what: "not idempotent, refused: retried", method: "plain", answers: ["refused", "ok"], sentAtMs: [0, 0], code: "OK" },
  {
    what: "a stream: retry's affair",
    method: "idempotent stream",
    answers: [down, "ok"],
    sentAtMs: [0, 12.5],
    code: "OK",
    counted: nothing,
  },
  {
    what: "REFUSED_STREAM brings the next at once",
    answers: ["refused", "ok"],
    sentAtMs: [0, 0],
    code: "OK",
    counted: { sent: 1, won: 1 },
  },
  { what: "no server brings the next at once", answers: ["unreachable", "ok"], sentAtMs: [0, 0], code: "OK" },
  { what: "a caller that leaves", leavesAtMs: 150, answers: ["hang"], sentAtMs: [0, 100], code: "CANCELLED" },
  {
    what: "a delay that is not known yet",
    settings: { delay: undefined },
    deadlineMs: 500,
    answers: ["hang"],
    sentAtMs: [0],
    code: "DEADLINE_EXCEEDED",
  },
]);

export const cases: readonly Case[] = [
  ...kinds,
  ...statuses,
  ...transparent,
  ...resets,
  ...pushback,
  ...budgets,
  ...times,
  ...headers,
  ...streams,
  ...hedges,
];
