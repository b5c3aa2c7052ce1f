/**
 * gRPC calls in (grpc/grpc doc/PROTOCOL-HTTP2.md): over HTTP/2, and over HTTP/1.1 for clients that frame so.
 *
 * Two traps. Everything derived from a header block is kept by the identity of its list, so a client that repeats itself costs one look-up.
 * And errors are HTTP 200 with the status in the head ("Trailers-Only"): a client that speaks gRPC reads nothing else.
 */
import type { Call } from "../../core/call.ts";
import type { CallError } from "../../core/call-error.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { Reply } from "../../core/reply.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { Exchange, RequestHead } from "../../wire/exchange.ts";
import type { Catalogue, Inbound } from "../protocol.ts";
import { decodeEnveloped, readEnvelopedHead, type EnvelopedHead } from "../shared/enveloped-request.ts";
import { writeSingle, writeStream, type MessageForm } from "../shared/enveloped-reply.ts";
import { grpcTrailers } from "../shared/grpc-status.ts";
import { subformatOf } from "../shared/subformat.ts";

const kind = "grpc";
const bareLength = "application/grpc".length;
const protobufHeaders: readonly string[] = Object.freeze(["content-type", "application/grpc"]);
const jsonHeaders: readonly string[] = Object.freeze(["content-type", "application/grpc+json"]);

/** @param form "json" makes the side that takes `application/grpc+json`; the other takes every other kind, to refuse it if need be. */
export function createGrpcInbound(form: MessageForm = "wire"): Inbound {
  const replyHeaders = form === "json" ? jsonHeaders : protobufHeaders;
  const requestHeads = new IdentityCache<readonly string[], EnvelopedHead>(32);
  const replyHeads = new IdentityCache<readonly string[], readonly string[]>(32);

  /** Response head for the reply's metadata: the same list for the same metadata. */
  function headOf(metadata: Metadata, encoding: string | undefined): readonly string[] {
    if (metadata.size === 0 && encoding === undefined) return replyHeaders;
    if (encoding !== undefined) return [...replyHeaders, "grpc-encoding", encoding, ...metadata.flat];
    return replyHeads.get(metadata.flat) ?? replyHeads.set(metadata.flat, [...replyHeaders, ...metadata.flat]);
  }

  return {
    kind,

    accepts(_head: RequestHead, contentType: string): boolean {
      if (!isGrpc(contentType)) return false;
      return (contentType.length > bareLength && subformatOf(contentType) === "json") === (form === "json");
    },

    decode(x: Exchange, catalogue: Catalogue): Call | Promise<Call> {
      const { flat } = x.head.headers;
      const head = requestHeads.get(flat) ?? requestHeads.set(flat, readEnvelopedHead(flat));
      return decodeEnveloped(x, x.body, head, catalogue, kind);
    },

    encode(reply: Reply, call: Call, x: Exchange, catalogue: Catalogue): Status | Promise<Status> {
      x.start(200, headOf(reply.metadata, form === "json" ? undefined : reply.encoding));
      const { single } = reply.messages;
      if (single === undefined || reply.ended === undefined)
        return writeStream(reply, call, x, form).then((status) => finish(status, x, catalogue));
      return finish(writeSingle(single, reply, call, x, form), x, catalogue);
    },

    reject(error: CallError, x: Exchange, catalogue: Catalogue): void {
      x.body.cancel();
      const status = statusOf(error);
      if (error.metadata === undefined) {
        x.respond(200, replyHeaders.concat(grpcTrailers(status, catalogue.plainErrors)), undefined);
        return;
      }
      x.start(200, headOf(error.metadata, undefined));
      finish(status, x, catalogue);
    },
  };
}

function finish(status: Status, x: Exchange, catalogue: Catalogue): Status {
  if (x.open) x.finish(grpcTrailers(status, catalogue.plainErrors));
  return status;
}

/** "application/grpc", with "+proto" or parameters; not gRPC-Web. */
function isGrpc(contentType: string): boolean {
  if (!contentType.startsWith("application/grpc")) return false;
  const next = contentType.charCodeAt(bareLength);
  return Number.isNaN(next) || next === 0x2b || next === 0x3b || next === 0x20;
}
