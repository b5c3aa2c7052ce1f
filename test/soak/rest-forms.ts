/** REST: unary in its ways, streams in all their forms, forms and raw bodies. */
import { allBehaviours, behavioursOf, echoCall, servicePath, type EchoMessage, type Kind } from "./echo-calls.ts";
import { limitBytes, timeoutMs, type Behaviour, type HttpForm, type HttpRequest, type HttpVersion, type Plan } from "./form.ts";

const both: readonly HttpVersion[] = ["1.1", "2"];
const timeout = { "x-server-timeout": String(timeoutMs / 1000) };
const failed = /"error":|"code":\d/;

const timeoutOf = ({ behaviour }: Plan): Readonly<Record<string, string>> => (behaviour === "deadline" ? timeout : {});

/** Both ways at once is HTTP/2's alone. */
function echoForm(name: string, kind: Kind, request: (plan: Plan) => HttpRequest): HttpForm {
  const versions = kind === "Chat" ? (["2"] as const) : both;
  return { over: "http", name: `REST ${name}`, proxy: "echo", protocol: "rest", versions, behaviours: behavioursOf(kind), request };
}

const badJson = Buffer.from('{"text": nope}');

function post(kind: Kind, plan: Plan, accept: string): HttpRequest {
  const [message] = echoCall(kind, plan).messages;
  return {
    method: "POST",
    path: plan.behaviour === "bad" && plan.random.next() < 0.3 ? "/no/such/path" : `${servicePath}${kind}`,
    headers: { "content-type": "application/json", accept, ...timeoutOf(plan) },
    pieces: [plan.behaviour === "bad" ? badJson : Buffer.from(JSON.stringify(message))],
    failed,
  };
}

function get(plan: Plan): HttpRequest {
  const [{ text, ...rest }] = echoCall("Unary", plan).messages as [EchoMessage];
  const query = new URLSearchParams(Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)]));
  if (plan.behaviour === "bad") query.set("cuont", "1");
  return { method: "GET", path: `/v1/echo/${text!.slice(0, 400) || "a"}?${query.toString()}`, headers: timeoutOf(plan) };
}

/** A stream up: a JSON array, or a message a line; and for Chat one down as well. */
function stream(kind: Kind, plan: Plan, lines: boolean): HttpRequest {
  const { messages, open } = echoCall(kind, plan);
  const texts = plan.behaviour === "bad" ? ['{"text":"a"}', "{nope"] : messages.map((message) => JSON.stringify(message));
  const pieces = texts.map((text, index) => Buffer.from(lines ? `${text}\n` : `${index === 0 ? "[" : ","}${text}`));
  if (!lines && !open) pieces.push(Buffer.from("]"));
  const type = lines ? "application/x-ndjson" : "application/json";
  return {
    method: "POST",
    path: `${servicePath}${kind}`,
    headers: { "content-type": type, accept: type, ...timeoutOf(plan) },
    pieces,
    open,
    failed,
  };
}

const array = "application/json";
const ndjson = "application/x-ndjson";
const events = "text/event-stream";

const echoForms: readonly HttpForm[] = [
  { ...echoForm("GET", "Unary", get), behaviours: allBehaviours.filter((one) => one !== "oversize") },
  echoForm("POST", "Unary", (plan) => post("Unary", plan, array)),
  ...[array, ndjson, events].map((type) => echoForm(`down, ${type}`, "Expand", (plan) => post("Expand", plan, type))),
  ...[true, false].flatMap((lines) => [
    echoForm(`up, ${lines ? "lines" : "array"}`, "Collect", (plan) => stream("Collect", plan, lines)),
    echoForm(`both ways, ${lines ? "lines" : "array"}`, "Chat", (plan) => stream("Chat", plan, lines)),
  ]),
];

const boundary = "b0undary";

function multipart(fields: Readonly<Record<string, string>>, file: string): string {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: image/png\r\n\r\n`;
  return `${parts.join("")}${head}${file}\r\n--${boundary}--\r\n`;
}

/** Pieces of a few hundred bytes to a few KB. */
function inPieces(text: string, { random }: Plan): Buffer[] {
  const bytes = Buffer.from(text, "latin1");
  const count = random.whole(1, 6);
  const step = Math.max(1, Math.ceil(bytes.length / count));
  return Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) => bytes.subarray(index * step, (index + 1) * step));
}

function sizeOf({ behaviour, random }: Plan): number {
  if (behaviour === "oversize") return 3 * limitBytes;
  return random.oneOf([0, 10, 1000, 30_000]);
}

function bodyForm(name: string, behaviours: readonly Behaviour[], request: (plan: Plan) => HttpRequest): HttpForm {
  return { over: "http", name: `REST ${name}`, proxy: "bodies", protocol: "rest", versions: both, behaviours, request };
}

const held: readonly Behaviour[] = ["normal", "cancel", "reset", "oversize", "bad"];
const streamed: readonly Behaviour[] = ["normal", "cancel", "reset", "deadline"];
const down: readonly Behaviour[] = ["normal", "cancel", "reset", "slow", "bad"];

const bodyForms: readonly HttpForm[] = [
  bodyForm("form", held, (plan) => ({
    method: "POST",
    path: "/v1/form",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    pieces: inPieces(
      plan.behaviour === "bad" ? "tittle=a" : `title=${"a".repeat(sizeOf(plan))}&count=3&tags=a&tags=b&inner.key=k&labels[x]=y`,
      plan,
    ),
  })),
  bodyForm("multipart", held, (plan) => ({
    method: "POST",
    path: "/v1/parts/a",
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    pieces: inPieces(plan.behaviour === "bad" ? `--${boundary}\r\nnothing` : multipart({ keep: "true" }, "x".repeat(sizeOf(plan))), plan),
  })),
  bodyForm("multipart, up", streamed, (plan) => ({
    method: "POST",
    path: "/v1/chunks/a",
    headers: { "content-type": `multipart/form-data; boundary=${boundary}`, ...timeoutOf(plan) },
    pieces: inPieces(multipart({}, "x".repeat(10 * sizeOf(plan))).slice(0, plan.behaviour === "deadline" ? -20 : undefined), plan),
    open: plan.behaviour === "deadline",
  })),
  bodyForm("raw, mirrored", ["normal", "cancel", "reset", "oversize"], (plan) => ({
    method: "POST",
    path: "/v1/mirror",
    headers: { "content-type": "image/png" },
    pieces: inPieces("x".repeat(sizeOf(plan)), plan),
  })),
  bodyForm("raw, up", streamed, (plan) => ({
    method: "POST",
    path: "/v1/raw-uploads",
    headers: { "content-type": "image/png", ...timeoutOf(plan) },
    pieces: inPieces("x".repeat(10 * sizeOf(plan)), plan),
    open: plan.behaviour === "deadline",
  })),
  bodyForm("raw, down", down, (plan) => {
    const [pieces, size] = plan.behaviour === "slow" ? [40, 30_000] : [plan.random.whole(0, 20), plan.random.oneOf([0, 10, 3000])];
    const query = `pieces=${pieces}&size=${size}&content_type=image/png${plan.behaviour === "bad" ? "&sizzle=1" : ""}`;
    return { method: "GET", path: `/v1/downloads/a?${query}` };
  }),
  bodyForm("a failure", ["failure"], (plan) => ({ method: "GET", path: "/v1/end/9", headers: timeoutOf(plan) })),
];

export const restForms: readonly HttpForm[] = [...echoForms, ...bodyForms];
