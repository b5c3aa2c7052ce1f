/**
 * Unary Connect requests: the message is the body of a POST, or the query of a GET (connectrpc.com/docs/protocol, "Unary-Request",
 * "Unary-Get-Request").
 *
 * The trap: a body of no bytes is never decompressed, and for protobuf it is a message like any other.
 */
import { CallError } from "../../core/call-error.ts";
import type { Method } from "../../core/method.ts";
import { Payload } from "../../core/payload.ts";
import { canOpen, compressed, openable } from "../shared/compression.ts";
import type { MessageForm } from "../shared/enveloped-reply.ts";

/** The request message out of its bytes as they came. @throws CallError */
export function unaryPayload(
  method: Method,
  form: MessageForm,
  encoding: string | undefined,
  bytes: Uint8Array,
  limitBytes: number,
): Payload {
  if (encoding === undefined || encoding === "identity" || bytes.length === 0)
    return form === "wire" ? Payload.ofWire(method.input, bytes) : Payload.ofJson(method.input, bytes);
  const content = compressed(encoding, bytes, limitBytes, "caller");
  // Protobuf crosses as it is: whether the encoding is known is the upstream's to say.
  if (form === "wire") return Payload.ofCompressed(method.input, content);
  if (!canOpen(encoding))
    throw new CallError("UNSUPPORTED_ENCODING", `unknown compression ${JSON.stringify(encoding)}: supported encodings are ${openable}`, {
      source: "caller",
      headers: ["accept-encoding", openable],
    });
  return Payload.ofJson(method.input, content.open());
}

export interface GetRequest {
  readonly form: MessageForm;
  readonly encoding: string | undefined;
  readonly message: Uint8Array;
}

/** Reads the query of a GET. @throws CallError */
export function readGetQuery(query: string): GetRequest {
  const bad = (message: string): CallError => new CallError("BAD_REQUEST", message, { source: "caller" });
  const parameters = new URLSearchParams(query);
  const text = parameters.get("message");
  const codec = parameters.get("encoding");
  if (text === null || codec === null) throw bad(`query parameter ${text === null ? "message" : "encoding"} is missing`);
  if (codec !== "proto" && codec !== "json")
    throw new CallError("UNSUPPORTED_MEDIA_TYPE", `encoding ${JSON.stringify(codec)} is not supported: proto and json are`, {
      source: "caller",
    });
  const base64 = parameters.get("base64");
  if (base64 !== null && base64 !== "1") throw bad("query parameter base64 may only be 1");
  if (base64 === "1" && !/^[A-Za-z0-9_+/-]*={0,2}$/.test(text.replaceAll(" ", "+"))) throw bad("query parameter message is not base64");
  return {
    form: codec === "proto" ? "wire" : "json",
    encoding: parameters.get("compression") ?? undefined,
    message: base64 === "1" ? Buffer.from(text.replaceAll(" ", "+"), "base64") : Buffer.from(text, "utf8"),
  };
}
