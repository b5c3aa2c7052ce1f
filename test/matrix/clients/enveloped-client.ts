/**
 * The protocols that put messages into gRPC's envelopes, byte by byte: gRPC, gRPC-Web (binary and text) and Connect's streams.
 *
 * They differ in where the end is said: in HTTP trailers, in a last frame of trailer lines, or in a last message of JSON.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { envelope, EnvelopeSplitter, fieldsOfLines, type SplitEnvelope } from "../envelopes.ts";
import { decodeAnswer, decodeStatus, encodeRequest, type Detail, type Message } from "../messages.ts";
import { metadataOf, methodOfKind, servicePath, type MatrixClient, type Observed, type Script } from "../script.ts";
import { connectEnd } from "../connect-error.ts";
import { createWireClient, signalAnswer, type WireCall, type WireOptions } from "./http-wire.ts";

export interface EnvelopedForm {
  readonly contentType: string;
  readonly json: boolean;
  /** Bodies are base64. */
  readonly text: boolean;
  readonly end: "trailers" | "trailers frame" | "end of stream";
  /** Waits for the answer to each message before it sends the next. */
  readonly fullDuplex: boolean;
}

const trailersFlag = 0x80;
const endOfStreamFlag = 2;

export function createEnvelopedClient(options: WireOptions, form: EnvelopedForm): MatrixClient {
  const wire = createWireClient(options);
  return {
    async call(script) {
      const call = wire.open("POST", servicePath + methodOfKind[script.kind], headersOf(script, form));
      const frames = (): SplitEnvelope[] => new EnvelopeSplitter().push(form.text ? fromText(call.body) : call.body);
      const messages = (): number => frames().filter(({ flags }) => flags < endOfStreamFlag).length;
      signalAnswer(call, script, () => messages() > 0);
      if (script.leaves) void script.arrived.promise.then(() => call.cancel());
      for (const [index, message] of script.requests.entries()) {
        const bytes = form.json ? Buffer.from(JSON.stringify(message)) : encodeRequest(message);
        const framed = script.gzip ? envelope(1, gzipSync(bytes)) : envelope(0, bytes);
        call.write(form.text ? Buffer.from(framed.toString("base64")) : framed);
        if (form.fullDuplex && script.kind === "bidi") await call.until(() => messages() > index);
      }
      call.end();
      const { broken } = await call.answer;
      return observed(call, frames(), form, broken);
    },
    close: () => wire.close(),
  };
}

function headersOf(script: Script, { contentType, end }: EnvelopedForm): Record<string, string> {
  const connect = end === "end of stream";
  const headers: Record<string, string> = { "content-type": contentType, ...metadataOf(script) };
  if (end === "trailers") headers["te"] = "trailers";
  if (connect) headers["connect-protocol-version"] = "1";
  if (script.timeoutMs !== undefined)
    if (connect) headers["connect-timeout-ms"] = String(script.timeoutMs);
    else headers["grpc-timeout"] = `${script.timeoutMs}m`;
  if (script.gzip) {
    headers[connect ? "connect-content-encoding" : "grpc-encoding"] = "gzip";
    headers[connect ? "connect-accept-encoding" : "grpc-accept-encoding"] = "gzip";
  }
  return headers;
}

/** Base64 in pieces, each padded on its own; a group that is not whole yet is left. */
function fromText(body: Buffer): Buffer {
  const groups = body.toString("latin1").match(/[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==/g) ?? [];
  return Buffer.concat(groups.map((group) => Buffer.from(group, "base64")));
}

function observed(call: WireCall, frames: readonly SplitEnvelope[], form: EnvelopedForm, broken: boolean): Observed {
  const messages: Message[] = [];
  const compressed: boolean[] = [];
  let end: Pick<Observed, "code" | "message" | "details" | "trailers"> | undefined;
  for (const { flags, bytes } of frames) {
    if (flags === trailersFlag && form.end === "trailers frame") end = grpcEnd(fieldsOfLines(bytes.toString("latin1")));
    else if (flags === endOfStreamFlag && form.end === "end of stream") end = connectEnd(bytes);
    else {
      const opened = flags === 1 ? gunzipSync(bytes) : bytes;
      messages.push(form.json ? (JSON.parse(opened.toString()) as Message) : decodeAnswer(opened));
      compressed.push(flags === 1);
    }
  }
  const { status, headers, trailers } = call;
  // A head that holds the status is the whole answer.
  const inHead = form.end === "trailers" && headers["grpc-status"] !== undefined;
  if (form.end === "trailers") end = grpcEnd(inHead ? headers : trailers);
  return {
    ...(end ?? { code: -1, message: "no end", details: [], trailers: {} }),
    messages,
    metadata: inHead ? {} : headers,
    form: { httpStatus: status, contentType: headers["content-type"], broken, compressed: compressed.some(Boolean) },
  };
}

/** What trailers of gRPC say. */
export function grpcEnd(fields: Readonly<Record<string, string>>): Pick<Observed, "code" | "message" | "details" | "trailers"> {
  const details = fields["grpc-status-details-bin"];
  return {
    code: Number(fields["grpc-status"] ?? -1),
    message: decodeURIComponent(fields["grpc-message"] ?? ""),
    details: details === undefined ? ([] as Detail[]) : decodeStatus(Buffer.from(details, "base64")).details,
    trailers: fields,
  };
}
