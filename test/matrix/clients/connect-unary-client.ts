/** Unary Connect, by POST and by GET: a bare message, and a failure with an HTTP status and JSON of its own. */
import { gunzipSync, gzipSync } from "node:zlib";
import { decodeAnswer, encodeRequest, type Message } from "../messages.ts";
import { metadataOf, methodOfKind, servicePath, type MatrixClient, type Observed, type Script } from "../script.ts";
import { connectFailure, trailerFields } from "../connect-error.ts";
import { createWireClient, signalAnswer, type WireAnswer, type WireOptions } from "./http-wire.ts";

export interface ConnectUnaryForm {
  readonly json: boolean;
  readonly get: boolean;
}

export function createConnectUnaryClient(options: WireOptions, form: ConnectUnaryForm): MatrixClient {
  const wire = createWireClient(options);
  return {
    async call(script) {
      const { json, get } = form;
      const path = servicePath + methodOfKind[script.kind];
      const [message] = script.requests;
      let bytes = message === undefined ? Buffer.alloc(0) : json ? Buffer.from(JSON.stringify(message)) : encodeRequest(message);
      if (script.gzip) bytes = gzipSync(bytes);
      const headers = headersOf(script, form);
      const call = get ? wire.open("GET", path + queryOf(bytes, script, form), headers) : wire.open("POST", path, headers);
      if (script.leaves) void script.arrived.promise.then(() => call.cancel());
      signalAnswer(call, script, () => call.status > 0);
      call.end(get ? undefined : bytes);
      return observed(await call.answer, json);
    },
    close: () => wire.close(),
  };
}

function headersOf(script: Script, { json, get }: ConnectUnaryForm): Record<string, string> {
  const headers: Record<string, string> = { ...metadataOf(script), "accept-encoding": script.gzip ? "gzip" : "identity" };
  if (!get) {
    headers["content-type"] = json ? "application/json" : "application/proto";
    headers["connect-protocol-version"] = "1";
    if (script.gzip) headers["content-encoding"] = "gzip";
  }
  if (script.timeoutMs !== undefined) headers["connect-timeout-ms"] = String(script.timeoutMs);
  return headers;
}

function queryOf(bytes: Buffer, { gzip }: Script, { json }: ConnectUnaryForm): string {
  return `?connect=v1&encoding=${json ? "json" : "proto"}&base64=1${gzip ? "&compression=gzip" : ""}&message=${bytes.toString("base64url")}`;
}

function observed({ status, headers, body, broken }: WireAnswer, json: boolean): Observed {
  const compressed = headers["content-encoding"] === "gzip";
  const contentType = headers["content-type"];
  const form = { httpStatus: status, contentType, broken, compressed };
  const common = { metadata: headers, trailers: trailerFields(headers), form };
  const opened = compressed ? gunzipSync(body) : body;
  if (broken) return { code: -1, message: "broken off", details: [], messages: [], ...common };
  if (status === 200) {
    const message = json ? (JSON.parse(opened.toString()) as Message) : decodeAnswer(opened);
    return { code: 0, message: "", details: [], messages: [message], ...common };
  }
  // Requests that are no call of the protocol are refused in words.
  if (contentType !== "application/json") return { code: -1, message: opened.toString(), details: [], messages: [], ...common };
  return { ...connectFailure(JSON.parse(opened.toString()) as { code: string }), messages: [], ...common };
}
