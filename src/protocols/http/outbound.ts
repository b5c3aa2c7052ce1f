/**
 * Plain HTTP out: the request as it came, the answer as it comes, bodies both ways at the pace of whoever is slower.
 *
 * The trap: an answer may come before the request has been sent to its end. It is passed on at once, and the rest of the request is dropped.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Clock } from "../../core/clock.ts";
import type { Handler } from "../../core/handler.ts";
import type { ClientStream, HttpClient } from "../../wire/http-client.ts";
import { HttpRequestSlot, type HttpRequest } from "../../core/http-request.ts";
import { UpstreamAnswer } from "./upstream-answer.ts";

export interface HttpOutboundOptions {
  readonly scheme: "http" | "https";
  /** host:port */
  readonly authority: string;
  readonly clock: Clock;
  /** Whose `host` the server sees: the one the caller asked for, or its own. */
  readonly host: "caller" | "upstream";
}

const none: readonly string[] = Object.freeze([]);

export function createHttpOutbound(client: HttpClient, { scheme, authority, clock, host }: HttpOutboundOptions): Handler {
  return (call: Call) => {
    const { deadline, metadata } = call;
    const request = call.slots.get(HttpRequestSlot);
    if (request === undefined) throw new CallError("UNKNOWN_METHOD");
    const remainingMs = deadline.isSet ? deadline.remainingMs(clock.nowMs()) : Infinity;
    if (remainingMs <= 0) throw new CallError("DEADLINE_EXCEEDED", undefined, { retry: "never" });
    call.throwIfCancelled();
    const answer = new UpstreamAnswer(call);
    const template = { method: request.method, scheme, authority, path: request.target, headers: none };
    const named = host === "caller" && request.authority !== "" ? request.authority : authority;
    const stream = client.open(template, metadata.flat, hopFields(call, request, named, remainingMs), answer, deadline.atMs);
    answer.begin(stream);
    if (!sentWhole(call, request, stream)) void upload(call, request, stream, answer);
    return answer.reply;
  };
}

/** What this hop says itself. */
function hopFields({ hopFields: told }: Call, request: HttpRequest, host: string, remainingMs: number): string[] {
  const fields = told === undefined ? ["host", host] : ["host", host, ...told];
  if (request.contentLength > 0) fields.push("content-length", String(request.contentLength));
  if (request.acceptsTrailers) fields.push("te", "trailers");
  // Rounded down, so that a hop never adds time.
  if (remainingMs !== Infinity) fields.push("x-server-timeout", (Math.floor(remainingMs) / 1000).toFixed(3));
  return fields;
}

/** A request whose body has arrived already leaves at once. @returns false when it has not */
function sentWhole({ messages }: Call, { contentLength }: HttpRequest, stream: ClientStream): boolean {
  if (contentLength === 0) stream.end();
  else if (messages.single !== undefined) stream.write(messages.single.wire(), true);
  else return false;
  return true;
}

/** Sends the body as it arrives. Never rejects: what fails ends the exchange. */
async function upload(call: Call, { contentLength }: HttpRequest, stream: ClientStream, answer: UpstreamAnswer): Promise<void> {
  const { messages } = call;
  let sentBytes = 0;
  try {
    for (;;) {
      const next = messages.next();
      const message = next instanceof Promise ? await next : next;
      if (answer.isOver) return;
      if (message === undefined) break;
      const bytes = message.wire();
      sentBytes += bytes.length;
      const isLast = sentBytes === contentLength;
      const room = stream.write(bytes, isLast);
      if (isLast) return;
      if (!room) await answer.roomFor(stream);
      if (answer.isOver) return;
    }
    stream.end();
  } catch (error) {
    answer.fail(call.cancelled ?? CallError.of(error));
  }
}
