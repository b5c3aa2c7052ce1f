/**
 * gRPC-Web calls in (grpc/grpc doc/PROTOCOL-WEB.md), binary and text.
 *
 * The trap: the status never travels as an HTTP trailer; even an immediate failure is a body that holds one trailers frame, because some
 * clients do not look at headers for it.
 */
import type { Call } from "../../core/call.ts";
import type { CallError } from "../../core/call-error.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Reply } from "../../core/reply.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { Exchange, RequestHead } from "../../wire/exchange.ts";
import type { Catalogue, Inbound } from "../protocol.ts";
import { decodeEnveloped, readEnvelopedHead } from "../shared/enveloped-request.ts";
import { writeSingle, writeStream, type MessageForm } from "../shared/enveloped-reply.ts";
import { grpcTrailers } from "../shared/grpc-status.ts";
import { subformatOf } from "../shared/subformat.ts";
import { trailerFrame } from "../shared/trailer-frame.ts";
import { TextBody, TextSink } from "./text-body.ts";

const kind = "grpc-web";
const contentTypePattern = /^application\/grpc-web(-text)?(\+[\w.-]+)?\s*(;.*)?$/;

export function createGrpcWebInbound(): Inbound {
  return {
    kind,

    accepts(_head: RequestHead, contentType: string): boolean {
      return contentType.startsWith("application/grpc-web") && contentTypePattern.test(contentType);
    },

    decode(x: Exchange, catalogue: Catalogue): Call | Promise<Call> {
      const head = readEnvelopedHead(x.head.headers.flat);
      return decodeEnveloped(x, isText(x) ? new TextBody(x.body) : x.body, head, catalogue, kind);
    },

    encode(reply: Reply, call: Call, x: Exchange, catalogue: Catalogue): Status | Promise<Status> {
      const form = formOf(x);
      begin(x, form, reply.metadata, form === "json" ? undefined : reply.encoding);
      const sink = isText(x) ? new TextSink(x) : x;
      const { single } = reply.messages;
      if (single === undefined || reply.ended === undefined)
        return writeStream(reply, call, sink, form).then((status) => finish(status, x, catalogue));
      return finish(writeSingle(single, reply, call, sink, form), x, catalogue);
    },

    reject(error: CallError, x: Exchange, catalogue: Catalogue): void {
      x.body.cancel();
      begin(x, formOf(x), error.metadata ?? Metadata.empty, undefined);
      finish(statusOf(error), x, catalogue);
    },
  };
}

function isText(x: Exchange): boolean {
  return x.head.headers.get("content-type")!.startsWith("application/grpc-web-text");
}

function formOf(x: Exchange): MessageForm {
  return subformatOf(x.head.headers.get("content-type")!) ?? "wire";
}

function begin(x: Exchange, form: MessageForm, metadata: Metadata, encoding: string | undefined): void {
  const type = isText(x) ? "application/grpc-web-text" : "application/grpc-web";
  const headers = ["content-type", form === "json" ? `${type}+json` : `${type}+proto`];
  if (encoding !== undefined) headers.push("grpc-encoding", encoding);
  x.start(200, headers.concat(metadata.flat));
}

function finish(status: Status, x: Exchange, catalogue: Catalogue): Status {
  if (!x.open) return status;
  const frame = trailerFrame(grpcTrailers(status, catalogue.plainErrors));
  if (isText(x)) new TextSink(x).write(frame);
  else x.write(frame);
  x.finish();
  return status;
}
