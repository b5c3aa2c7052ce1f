/**
 * Plain HTTP by node's own clients: a body nobody between looks into, whole or in pieces.
 *
 * The trap: a status of 400 and above may be the server's, and then its body is what it said, or the proxy's, whose body is `google.rpc.Status`.
 */
import { gunzipSync } from "node:zlib";
import { messagesOfLines, textOf, zipped } from "../lines.ts";
import { bodyBytes } from "../outcomes.ts";
import type { Detail } from "../messages.ts";
import { metadataOf, methodOfKind, streamsRequests, type MatrixClient, type Observed, type Script } from "../script.ts";
import { codeOfBackendStatus } from "../statuses.ts";
import { createWireClient, signalAnswer, type WireAnswer, type WireOptions } from "./http-wire.ts";

export interface HttpForm {
  readonly method: "POST" | "GET";
  readonly contentType: string;
  /** Before the name of the method. */
  readonly path: string;
  /** Waits for the answer to each message before it sends the next. */
  readonly fullDuplex: boolean;
}

export function createHttpClient(options: WireOptions, { method, contentType, path, fullDuplex }: HttpForm): MatrixClient {
  const wire = createWireClient(options);
  return {
    async call(script) {
      const { kind, requests, gzip } = script;
      const body = zipped(textOf(requests), gzip);
      // A length above the limit would be refused by the connection, and never be a call.
      const streams = (streamsRequests(kind) || body.length > bodyBytes) && method === "POST";
      const call = wire.open(method, path + methodOfKind[kind], headersOf(script, contentType, streams ? undefined : body.length));
      signalAnswer(call, script, () => call.body.length > 0);
      if (script.leaves) void script.arrived.promise.then(() => call.cancel());
      if (method === "GET") call.end();
      else if (!streams) call.end(body);
      else {
        if (gzip) call.write(body);
        else
          for (const [index, message] of requests.entries()) {
            const piece = textOf([message]);
            if (piece.length > 0) call.write(piece);
            if (kind === "bidi" && fullDuplex && piece.length > 0) await call.until(() => messagesOfLines(call.body).length > index);
          }
        call.end();
      }
      return observedHttp(await call.answer);
    },
    close: () => wire.close(),
  };
}

function headersOf(script: Script, contentType: string, length: number | undefined): Record<string, string> {
  return {
    ...metadataOf(script),
    "content-type": contentType,
    te: "trailers",
    ...(length === undefined ? {} : { "content-length": String(length) }),
    ...(script.gzip ? { "content-encoding": "gzip" } : {}),
    ...(script.timeoutMs === undefined ? {} : { "x-server-timeout": String(script.timeoutMs / 1000) }),
  };
}

/** An answer of HTTP in neutral words. */
export function observedHttp({ status, headers, trailers, body, broken }: WireAnswer): Observed {
  const contentType = headers["content-type"];
  const compressed = headers["content-encoding"] === "gzip";
  const common = { metadata: headers, trailers, form: { httpStatus: status, contentType, broken, compressed } };
  const nothing = { message: "", details: [], messages: [] };
  if (broken) return { code: -1, ...nothing, ...common };
  if (status >= 400 && contentType === "application/json") {
    const { code, message, details } = JSON.parse(body.toString()) as { code: number; message: string; details: Detail[] };
    return { code, message, details, messages: [], ...common };
  }
  if (status >= 400) return { ...nothing, code: codeOfBackendStatus(status), message: body.toString(), ...common };
  return { code: 0, ...nothing, messages: messagesOfLines(compressed ? gunzipSync(body) : body), ...common };
}

export function fieldsOfHttp(fields: NodeJS.Dict<string | string[]>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
}
