/**
 * How a gRPC-Web request is written and how it is to be answered: read out of its header block once for all requests that repeat it.
 *
 * The trap: it is kept by the identity of the list and shared between calls, so nothing of one call may be in it.
 */
import { IdentityCache } from "../../core/identity-cache.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { RequestHead } from "../../wire/exchange.ts";
import { readEnvelopedHead, type EnvelopedHead } from "../shared/enveloped-request.ts";
import type { MessageForm } from "../shared/enveloped-reply.ts";

export interface RequestForm {
  readonly head: EnvelopedHead;
  /** Bodies are base64. */
  readonly text: boolean;
  /** How messages of the answer are written: as the request's are. */
  readonly form: MessageForm;
  /** The head of an answer that has no metadata. */
  readonly headers: readonly string[];
}

const known = new IdentityCache<readonly string[], RequestForm>(32);

export function requestFormOf({ headers }: RequestHead): RequestForm {
  const { flat } = headers;
  return known.get(flat) ?? known.set(flat, readForm(headers));
}

/** The four heads an answer may have, frozen: the wire keeps their bytes. */
const bareHeads: ReadonlyMap<string, readonly string[]> = new Map(
  ["application/grpc-web+proto", "application/grpc-web+json", "application/grpc-web-text+proto", "application/grpc-web-text+json"].map(
    (type) => [type, Object.freeze(["content-type", type])],
  ),
);

function readForm(headers: Metadata): RequestForm {
  const head = readEnvelopedHead(headers.flat);
  const text = headers.get("content-type")!.startsWith("application/grpc-web-text");
  const form = head.form ?? "wire";
  return { head, text, form, headers: bareHeads.get(`application/grpc-web${text ? "-text" : ""}+${form === "wire" ? "proto" : "json"}`)! };
}

/** The head of an answer. */
export function answerHead({ headers }: RequestForm, metadata: Metadata, encoding: string | undefined): readonly string[] {
  if (encoding !== undefined) return [...headers, "grpc-encoding", encoding, ...metadata.flat];
  return metadata.size === 0 ? headers : headers.concat(metadata.flat);
}
