/**
 * One message as an HTTP answer: JSON, or the body it holds where it is google.api.HttpBody.
 *
 * The trap: the JSON is a view of the codec's memory. It is written before anything else happens, and copied where that must wait.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { Binder } from "../../schema/binding/binder.ts";
import type { Exchange } from "../../wire/exchange.ts";
import type { Catalogue } from "../protocol.ts";
import { errorOfAnswer } from "../shared/codec-failure.ts";
import { errorOfStatus } from "../shared/error-json.ts";
import { acceptedEncoding } from "./content-encoding.ts";
import { writeError } from "./errors.ts";
import { addAnswerHeaders, isBodiless, profileVary, requestedStatus, safeContentType } from "./headers.ts";

/** Smaller answers gain nothing by compression: they fit one packet. */
const compressAboveBytes = 1400;
const jsonType = "application/json";
const jsonHeaders: readonly string[] = Object.freeze(["content-type", jsonType]);
const varyingHeaders: readonly string[] = Object.freeze(["content-type", jsonType, "vary", "accept-encoding"]);

/** Writes a unary answer, of which the end is known, and says how the call ended. Never throws. */
export function writeSingle(
  reply: Reply,
  payload: Payload,
  end: Status,
  call: Call,
  x: Exchange,
  shape: Binder | undefined,
  catalogue: Catalogue,
): Status | Promise<Status> {
  if (end.code !== Code.OK) {
    writeError(errorOfStatus(end), x, catalogue, reply.metadata);
    return end;
  }
  try {
    if (shape?.rawResponse === true) {
      const { contentType, data } = shape.responseBody(payload);
      call.responseBytes = data.length;
      respond(x, ["content-type", safeContentType(contentType)], reply.metadata, end.trailers, data);
      return end;
    }
    const json = shape === undefined ? payload.jsonView() : shape.responseJson(payload);
    call.responseBytes = json.length;
    if (shape?.hasProfiles === true) return writeVarying(json, reply.metadata, end, x);
    if (json.length > compressAboveBytes) return writeLarge(json, varyingHeaders, reply.metadata, end, x);
    if (reply.metadata.size === 0 && end.trailers.size === 0) x.respond(200, jsonHeaders, json);
    else respond(x, jsonHeaders, reply.metadata, end.trailers, json);
    return end;
  } catch (thrown) {
    return failed(thrown, x, catalogue);
  }
}

/** The same for an answer whose one message and end are still to come: that of a client stream. Never rejects. */
export async function writeLate(reply: Reply, call: Call, x: Exchange, shape: Binder | undefined, catalogue: Catalogue): Promise<Status> {
  const { messages } = reply;
  try {
    const payload = await messages.next();
    const more = payload === undefined ? undefined : await messages.next();
    if (more !== undefined) {
      messages.cancel();
      throw new CallError("UPSTREAM_PROTOCOL", "the upstream answered with more than one message", { source: "upstream" });
    }
    const end = call.cancelled === undefined ? await reply.end : statusOf(call.cancelled);
    if (!x.open) return end;
    if (payload !== undefined || end.code !== Code.OK) return await writeSingle(reply, payload!, end, call, x, shape, catalogue);
    throw new CallError("UPSTREAM_PROTOCOL", "the upstream answered OK without a message", {
      source: "upstream",
      code: Code.UNIMPLEMENTED,
    });
  } catch (thrown) {
    messages.cancel();
    return failed(call.cancelled ?? thrown, x, catalogue);
  }
}

function failed(thrown: unknown, x: Exchange, catalogue: Catalogue): Status {
  const error = errorOfAnswer(thrown);
  if (x.open) writeError(error, x, catalogue);
  return statusOf(error);
}

/** JSON of which clients choose the profile: caches must know. */
function writeVarying(json: Uint8Array, metadata: Metadata, end: Status, x: Exchange): Status | Promise<Status> {
  if (json.length > compressAboveBytes) return writeLarge(json, [...varyingHeaders, "vary", profileVary], metadata, end, x);
  respond(x, [...jsonHeaders, "vary", profileVary], metadata, end.trailers, json);
  return end;
}

/** JSON that gains by an encoding, if the caller takes one and the backend does not forbid it. */
function writeLarge(json: Uint8Array, head: readonly string[], metadata: Metadata, end: Status, x: Exchange): Status | Promise<Status> {
  const encoding = acceptedEncoding(x.head.headers.get("accept-encoding"));
  if (encoding === undefined || mustStay(metadata)) {
    respond(x, head, metadata, end.trailers, json);
    return end;
  }
  return encoding.whole(Buffer.from(json)).then((bytes) => {
    respond(x, [...head, "content-encoding", encoding.name], metadata, end.trailers, bytes);
    return end;
  });
}

/** `no-transform` says so (RFC 9111, section 5.2.2.6), and a strong validator is for these very bytes. */
export function mustStay(metadata: Metadata): boolean {
  return metadata.get("cache-control")?.includes("no-transform") === true || /^"/.test(metadata.get("etag") ?? "");
}

function respond(x: Exchange, head: readonly string[], metadata: Metadata, trailers: Metadata, body: Uint8Array): void {
  const status = requestedStatus(metadata, trailers);
  const bodiless = isBodiless(status);
  const headers = bodiless ? [] : [...head];
  addAnswerHeaders(headers, metadata, "");
  addAnswerHeaders(headers, trailers, "trailer-");
  const location = trailers.get("location");
  if (location !== undefined && !metadata.has("location")) headers.push("location", location);
  x.respond(status, headers, bodiless ? undefined : body);
}
