/**
 * How a call can end: what the two ends play, and the ending that must be seen, in gRPC's words.
 *
 * Nothing is recorded: endings follow from what the backend does and from docs/reasons.md.
 */
import type { Detail, Message } from "./messages.ts";
import type { Inbound } from "./inbounds.ts";
import type { Outbound } from "./outbounds.ts";
import { streamsAnswers, streamsRequests, type Failure, type Kind, type Script } from "./script.ts";
import { codeNames, codeOf, documented, httpStatusOfCode } from "./statuses.ts";

/** `limits.message`, and `inbound.websocket.message`, of the matrix' proxies. */
export const messageBytes = 4096;
/** `limits.body`: what passes as plain HTTP is bounded by it. */
export const bodyBytes = 2 * messageBytes;
/** Long enough that a loaded machine has begun the call by then; what is checked does not depend on it. */
const timeoutMs = 300;

export interface Ending {
  readonly code: number;
  /** In the access log; undefined for OK. */
  readonly reason: string | undefined;
  /** Undefined: any text. */
  readonly message: string | undefined;
  readonly details: readonly Detail[];
  /** What REST answers, where it still can. */
  readonly httpStatus: number;
  /** With which a WebSocket is closed at once: the connection fails, and nothing is said of the call. */
  readonly closeCode?: number;
}

export interface Outcome {
  readonly name: string;
  /** For the page. */
  readonly meaning: string;
  /** What is played, over what goes well. */
  script(kind: Kind, inbound: Inbound): Partial<Script>;
  ending(kind: Kind, inbound: Inbound, outbound: Outbound): Ending;
}

const ok: Ending = { code: 0, reason: undefined, message: "", details: [], httpStatus: 200 };

/** What the proxy says of itself. */
export function ownEnding(reason: string, overrides: Partial<Ending> = {}): Ending {
  const details = [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "dragoman" }];
  return { reason, message: undefined, details, ...documented(reason), ...overrides };
}

function failureOf(code: number): Failure {
  return {
    code,
    message: `refused with ${codeNames[code]!}: 100 % sûr`,
    details: [
      { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "SOLD_OUT", domain: "matrix.test", metadata: { sku: "7" } },
      { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field: "text", description: "too much of it" }] },
    ],
  };
}

function upstreamEnding({ code, message, details }: Failure): Ending {
  return { code, reason: "UPSTREAM_STATUS", message, details, httpStatus: httpStatusOfCode(code) };
}

/** Several messages where several may be. */
const requestsOf = (kind: Kind): Message[] =>
  streamsRequests(kind) ? ["first", "second", "last"].map((text) => ({ text })) : [{ text: "only" }];
const answersOf = (kind: Kind): Message[] =>
  streamsAnswers(kind) ? [{ text: "a" }, { text: "b", index: 1 }, { text: "c", index: 2 }] : [{ text: "whole", index: 7 }];

/** What every outcome is over: a call that goes well. */
export function wellScript(kind: Kind): Pick<Script, "play" | "requests" | "answers" | "metadata" | "head" | "tail"> {
  return {
    play: "answers",
    requests: requestsOf(kind),
    answers: answersOf(kind),
    metadata: { "x-cell": "asked" },
    head: { "x-head": "before" },
    tail: { "x-tail": "behind" },
  };
}

/** In a conversation the first message is answered by the failure, and no second one is sent. */
const oneRequest = (kind: Kind): Pick<Script, "requests"> => ({ requests: requestsOf(kind).slice(0, kind === "bidi" ? 1 : undefined) });
/** What comes before an end in mid-stream. */
const firstAnswer = (kind: Kind): Message[] => (streamsAnswers(kind) ? answersOf(kind).slice(0, 1) : []);
const binary = Buffer.from([0, 1, 0x80, 0xfe, 0xff]).toString("base64");
const long = "z".repeat(2000);
const tooLong = "z".repeat(messageBytes + 100);
const tooLongBody = "z".repeat(bodyBytes + 100);

function code(number: number): Outcome {
  const failure = failureOf(number);
  return {
    name: codeNames[number]!,
    meaning: "the backend fails with it, a message and two details, and nothing before it",
    script: (kind) => ({ play: "fails", failure, answers: [], ...oneRequest(kind) }),
    ending: () => upstreamEnding(failure),
  };
}

export const outcomes: readonly Outcome[] = [
  { name: "OK", meaning: "messages, metadata and trailers arrive as they were sent", script: () => ({}), ending: () => ok },
  ...Array.from({ length: 16 }, (_, index) => code(index + 1)),
  {
    name: "late failure",
    meaning: "the backend fails with ABORTED behind its metadata, before any message",
    script: (kind) => ({ play: "fails late", failure: failureOf(codeOf("ABORTED")), answers: [], ...oneRequest(kind) }),
    ending: () => upstreamEnding(failureOf(codeOf("ABORTED"))),
  },
  {
    name: "failure in mid-stream",
    meaning: "the same behind a message, where they stream; the messages of requests are all there before it",
    script: (kind) => ({
      play: "fails late",
      failure: failureOf(codeOf("DATA_LOSS")),
      answers: firstAnswer(kind),
      ...oneRequest(kind),
    }),
    ending: () => upstreamEnding(failureOf(codeOf("DATA_LOSS"))),
  },
  {
    name: "deadline",
    meaning: "the caller's passes; the backend is told of it, and cancelled",
    script: (kind) => ({ play: "hangs", timeoutMs, answers: [], ...oneRequest(kind) }),
    ending: () => ownEnding("DEADLINE_EXCEEDED"),
  },
  {
    name: "cancel by client",
    meaning: "the client leaves; the backend's call is cancelled",
    script: (kind) => ({ play: "hangs", leaves: true, answers: [], ...oneRequest(kind) }),
    ending: () => ownEnding("CALLER_CANCELLED"),
  },
  {
    name: "backend reset",
    meaning: "the backend breaks the call off before it answers",
    script: (kind) => ({ play: "resets", answers: [], ...oneRequest(kind) }),
    ending: (_kind, _inbound, { reset }) => reset,
  },
  {
    name: "backend gone",
    meaning: "the backend's connection is lost in mid-stream, or before the one answer",
    script: (kind) => ({ play: "vanishes", answers: firstAnswer(kind), ...oneRequest(kind) }),
    ending: () => ownEnding("UPSTREAM_RESET"),
  },
  {
    name: "oversize request",
    meaning: "a message above `limits.message`, a body above `limits.body`; the backend sees no message",
    script: (_kind, { protocol }) => ({ requests: [{ text: protocol === "http" ? tooLongBody : tooLong }] }),
    ending: () => ownEnding("MESSAGE_TOO_LARGE", { closeCode: 1009 }),
  },
  {
    name: "oversize answer",
    meaning: "a backend's message above `limits.message`",
    script: (kind) => ({ answers: [{ text: tooLong }], ...oneRequest(kind) }),
    // What is passed on is bounded on its way in alone.
    ending: (_kind, { passedOn }) => (passedOn === true ? ok : ownEnding("UPSTREAM_MESSAGE_TOO_LARGE")),
  },
  {
    name: "compressed",
    meaning: "both sides gzip in their own way: crossing untouched where they agree, translated where not",
    script: (kind) => ({
      gzip: true,
      requests: requestsOf(kind).map(() => ({ text: long })),
      answers: answersOf(kind).map(() => ({ text: long })),
    }),
    ending: () => ok,
  },
  {
    name: "-bin metadata",
    meaning: "bytes as metadata, both ways, and as trailers",
    script: () => ({ metadata: { "x-cell-bin": binary }, head: { "x-head-bin": binary }, tail: { "x-tail-bin": binary } }),
    ending: () => ok,
  },
  {
    name: "empty message",
    meaning: "messages of no bytes, both ways",
    script: (kind) => ({ requests: requestsOf(kind).map(() => ({})), answers: answersOf(kind).map(() => ({})) }),
    ending: () => ok,
  },
  {
    name: "empty stream",
    meaning: "no request where they stream, no answer where they stream; of a unary call a request without its message",
    script: (kind) => ({
      requests: kind === "server stream" ? requestsOf(kind) : [],
      answers: streamsAnswers(kind) ? [] : answersOf(kind),
    }),
    ending: (kind, { withoutMessage }) => (kind === "unary" && withoutMessage !== undefined ? ownEnding(withoutMessage) : ok),
  },
];
