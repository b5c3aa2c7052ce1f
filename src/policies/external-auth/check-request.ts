/** A call as the authorization server is shown it (envoy.service.auth.v3.AttributeContext). */
import type { Call } from "../../core/call.ts";
import { HttpRequestSlot } from "../../core/http-request.ts";
import { CodecError } from "../../core/message-type.ts";
import { PrincipalSlot } from "../../core/principal.ts";
import type { CheckRequest } from "../../identity/authorization-api.ts";

export interface CheckRequestOptions {
  readonly bodyBytes: number | undefined;
  readonly context: Readonly<Record<string, string>>;
  readonly wallMs: number;
}

export function checkRequest(call: Call, { bodyBytes, context, wallMs }: CheckRequestOptions): CheckRequest {
  const { caller, method } = call;
  const plain = call.slots.get(HttpRequestSlot);
  const http = {
    id: call.id,
    method: plain?.method ?? "POST",
    path: plain?.target ?? method.path,
    host: plain?.authority ?? "",
    scheme: caller.secure ? "https" : "http",
    protocol: caller.protocol,
    headers: headersOf(call),
    size: String(plain?.contentLength ?? -1),
    ...(bodyBytes === undefined ? {} : bodyOf(call, bodyBytes)),
  };
  return {
    attributes: {
      source: { address: { socketAddress: { address: caller.address } }, principal: call.slots.get(PrincipalSlot)?.id ?? "" },
      destination: { service: method.service },
      request: { time: new Date(wallMs).toISOString(), http },
      contextExtensions: context,
    },
  };
}

/** Values of one name are joined, as the API wants it. */
function headersOf({ metadata }: Call): Record<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of metadata) {
    const former = headers.get(name);
    headers.set(name, (former === undefined ? value : `${former},${value}`).toWellFormed());
  }
  return Object.fromEntries(headers);
}

/** Of a unary call; what is larger is left out, because half a message would be judged as if it were one. */
function bodyOf({ messages }: Call, limitBytes: number): { readonly body?: string; readonly rawBody?: string } {
  const { single } = messages;
  if (single === undefined) return {};
  try {
    const json = single.jsonView();
    return json.length > limitBytes ? {} : { body: Buffer.from(json).toString("utf8") };
  } catch (error) {
    // A message without a schema has no JSON; one that is broken fails where it is converted for the upstream.
    if (!(error instanceof CodecError)) throw error;
    return {};
  }
}
