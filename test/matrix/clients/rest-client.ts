/**
 * REST over node's own HTTP clients: JSON bodies, and server streams in each of the forms that `accept` asks for.
 *
 * A failure behind the first message is a record of the form; the client also says `te: trailers`, so the trailers must say the same.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import type { Detail, Message } from "../messages.ts";
import { metadataOf, streamsAnswers, streamsRequests, type MatrixClient, type Script } from "../script.ts";
import { trailerFields } from "../connect-error.ts";
import { grpcEnd } from "./enveloped-client.ts";
import { createWireClient, signalAnswer, type WireOptions } from "./http-wire.ts";

export type StreamFormName = "array" | "lines" | "events";

export interface RestForm {
  readonly stream: StreamFormName;
  /** Waits for the answer to each message before it sends the next. */
  readonly fullDuplex: boolean;
}

/** The rules by which the service is reached: `inbound.rules` of the matrix' proxies. */
export const restPaths = { unary: "/v1/unary", "server stream": "/v1/expand", "client stream": "/v1/collect", bidi: "/v1/chat" } as const;

const accepted: Readonly<Record<StreamFormName, string>> = {
  array: "application/json",
  lines: "application/x-ndjson",
  events: "text/event-stream",
};

interface StatusJson {
  readonly code: number;
  readonly message: string;
  readonly details: readonly Detail[];
}

export function createRestClient(options: WireOptions, form: RestForm): MatrixClient {
  const wire = createWireClient(options);
  return {
    async call(script) {
      const { kind } = script;
      const call = wire.open("POST", restPaths[kind], headersOf(script, form));
      const streams = streamsAnswers(kind);
      const records = (): Records =>
        streams && call.status === 200 ? recordsOf(opened(call.body, call.headers, call.over), form.stream) : none;
      signalAnswer(call, script, () => (streams ? records().messages.length > 0 : call.status > 0));
      if (script.leaves) void script.arrived.promise.then(() => call.cancel());
      if (form.fullDuplex && kind === "bidi" && !script.gzip) {
        for (const [index, message] of script.requests.entries()) {
          call.write(Buffer.from(`${JSON.stringify(message)}\n`));
          await call.until(() => records().messages.length > index);
        }
        call.end();
      } else call.end(bodyOf(script, form));
      const { status, headers, trailers, body, broken } = await call.answer;
      const contentType = headers["content-type"];
      const encoded = headers["content-encoding"] === "gzip";
      const common = {
        metadata: headers,
        trailers: { ...trailers, ...trailerFields(headers) },
        form: { httpStatus: status, contentType, broken, compressed: encoded },
      };
      if (broken) return { code: -1, message: "broken off", details: [], messages: [], ...common };
      const text = opened(body, headers, true);
      if (status >= 400) return { ...errorOf(text), messages: [], ...common };
      if (!streams) return { code: 0, message: "", details: [], messages: [JSON.parse(text) as Message], ...common };
      const { messages, error } = recordsOf(text, form.stream);
      const { code, message, details } = error ?? { code: 0, message: "", details: [] };
      agree({ code, message, details }, trailers);
      return { code, message, details, messages, ...common };
    },
    close: () => wire.close(),
  };
}

function errorOf(text: string): StatusJson {
  return JSON.parse(text) as StatusJson;
}

/** Trailers say the same as the last record. */
function agree({ code, message, details }: StatusJson, trailers: Readonly<Record<string, string>>): void {
  const said = grpcEnd(trailers);
  const both = [said, { code, message, details }].map((each) => JSON.stringify([each.code, each.message, each.details]));
  if (both[0] !== both[1]) throw new Error(`trailers and last record differ: ${both.join(" and ")}`);
}

function headersOf(script: Script, { stream }: RestForm): Record<string, string> {
  const { kind, gzip, timeoutMs } = script;
  return {
    ...metadataOf(script),
    accept: streamsAnswers(kind) ? accepted[stream] : "application/json",
    te: "trailers",
    "content-type": streamsRequests(kind) && stream !== "array" ? "application/x-ndjson" : "application/json",
    ...(gzip ? { "content-encoding": "gzip", "accept-encoding": "gzip" } : {}),
    ...(timeoutMs === undefined ? {} : { "x-server-timeout": String(timeoutMs / 1000) }),
  };
}

function bodyOf({ kind, requests, gzip }: Script, { stream }: RestForm): Buffer {
  const texts = requests.map((message) => JSON.stringify(message));
  const text = !streamsRequests(kind)
    ? (texts[0] ?? "")
    : stream === "array"
      ? `[${texts.join(",")}]`
      : texts.map((each) => `${each}\n`).join("");
  return gzip ? gzipSync(text) : Buffer.from(text);
}

interface Records {
  readonly messages: readonly Message[];
  readonly error: StatusJson | undefined;
}

const none: Records = { messages: [], error: undefined };

/** The text so far; of a compressed answer only when it is whole. */
function opened(body: Buffer, headers: Readonly<Record<string, string>>, whole: boolean): string {
  if (headers["content-encoding"] !== "gzip") return body.toString();
  return whole && body.length > 0 ? gunzipSync(body).toString() : "";
}

/** The records of a stream, as far as they are whole. */
function recordsOf(text: string, form: StreamFormName): Records {
  const records: (Message & { error?: StatusJson })[] =
    form === "array"
      ? arrayOf(text)
      : form === "lines"
        ? text
            .split("\n")
            .slice(0, -1)
            .map((line) => JSON.parse(line) as Message)
        : text
            .split("\n\n")
            .slice(0, -1)
            .filter((block) => !block.startsWith(":"))
            .map(eventOf);
  const error = records.at(-1)?.error;
  return { messages: error === undefined ? records : records.slice(0, -1), error };
}

/** An array, or its beginning: every record of the matrix ends where a comma or the bracket follows a brace. */
function arrayOf(text: string): Message[] {
  for (const end of ["", "]"])
    try {
      return text === "" ? [] : (JSON.parse(text + end) as Message[]);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  return [];
}

function eventOf(block: string): Message & { error?: StatusJson } {
  const data = /^data: (.*)$/m.exec(block)![1]!;
  return /^event: error$/m.test(block) ? { error: JSON.parse(data) as StatusJson } : (JSON.parse(data) as Message);
}
