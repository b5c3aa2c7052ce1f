/**
 * gRPC-Web calls in (grpc/grpc doc/PROTOCOL-WEB.md), binary and text.
 *
 * Two traps. The status never travels as an HTTP trailer; even an immediate failure is a body that holds one trailers frame, because some
 * clients do not look at headers for it. And what is derived from a header block is kept by the identity of its list.
 */
import type { Call } from "../../core/call.ts";
import type { CallError } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Reply } from "../../core/reply.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { Exchange, RequestHead } from "../../wire/exchange.ts";
import type { Catalogue, Inbound } from "../protocol.ts";
import { decodeEnveloped } from "../shared/enveloped-request.ts";
import { writeSingle, writeStream } from "../shared/enveloped-reply.ts";
import { grpcTrailers } from "../shared/grpc-status.ts";
import { trailerFrame } from "../shared/trailer-frame.ts";
import { answerHead, requestFormOf } from "./request-form.ts";
import { TextBody, TextSink } from "./text-body.ts";
import { WholeAnswer } from "./whole-answer.ts";

const kind = "grpc-web";
const contentTypePattern = /^application\/grpc-web(-text)?(\+[\w.-]+)?\s*(;.*)?$/;

export function createGrpcWebInbound(): Inbound {
  return {
    kind,

    accepts(_head: RequestHead, contentType: string): boolean {
      return contentType.startsWith("application/grpc-web") && contentTypePattern.test(contentType);
    },

    decode(x: Exchange, catalogue: Catalogue): Call | Promise<Call> {
      const { head, text } = requestFormOf(x.head);
      return decodeEnveloped(x, text ? new TextBody(x.body) : x.body, head, catalogue, kind);
    },

    encode(reply: Reply, call: Call, x: Exchange, catalogue: Catalogue): Status | Promise<Status> {
      const request = requestFormOf(x.head);
      const { form } = request;
      const headers = answerHead(request, reply.metadata, form === "json" ? undefined : reply.encoding);
      const { single } = reply.messages;
      if (single === undefined || reply.ended === undefined) {
        x.start(200, headers);
        return writeStream(reply, call, request.text ? new TextSink(x) : x, form).then((status) => finish(status, x, catalogue));
      }
      if (request.text) {
        x.start(200, headers);
        return finish(writeSingle(single, reply, call, new TextSink(x), form), x, catalogue);
      }
      const answer = new WholeAnswer(x, headers);
      const status = writeSingle(single, reply, call, answer, form);
      answer.finish(trailersOf(status, catalogue));
      return status;
    },

    reject(error: CallError, x: Exchange, catalogue: Catalogue): void {
      x.body.cancel();
      x.start(200, answerHead(requestFormOf(x.head), error.metadata ?? Metadata.empty, undefined));
      finish(statusOf(error), x, catalogue);
    },
  };
}

const frames = new IdentityCache<readonly string[], Buffer>(8);

/** The frame that says how the call ended; the same one for fields that repeat themselves, as those of success do. */
function trailersOf(status: Status, { plainErrors }: Catalogue): Buffer {
  const fields = grpcTrailers(status, plainErrors);
  if (status.code !== Code.OK) return trailerFrame(fields);
  return frames.get(fields) ?? frames.set(fields, trailerFrame(fields));
}

/** Ends an answer that was begun. */
function finish(status: Status, x: Exchange, catalogue: Catalogue): Status {
  if (!x.open) return status;
  const frame = trailersOf(status, catalogue);
  if (requestFormOf(x.head).text) new TextSink(x).write(frame);
  else x.write(frame);
  x.finish();
  return status;
}
