/**
 * A client stream as the body of one request: a JSON message a line, or the bytes of raw messages one after the other.
 *
 * Messages are pulled only while the connection takes bytes. The trap: what path and query say is said once, by the first message.
 */
import type { Call } from "../../../core/call.ts";
import type { Payload } from "../../../core/payload.ts";
import type { ExpandedBody } from "../../../schema/binding/expander.ts";
import type { ClientStream } from "../../../wire/http-client.ts";
import { errorOfRequest } from "../../shared/codec-failure.ts";
import type { BackendExchange } from "./exchange.ts";
import type { PlannedRequest, RequestPlan } from "./request-plan.ts";

const newline = Buffer.from("\n");
const nullLine = Buffer.from("null\n");

/** The piece of the body that a message is; undefined for none. */
function pieceOf({ bytes }: ExpandedBody, raw: boolean): Uint8Array | undefined {
  if (raw) return bytes;
  // A line must stand for every message, also for one that leaves the field unset which the body is.
  return bytes === undefined ? nullLine : Buffer.concat([bytes, newline]);
}

/** Sends the first message, then the others as they come. Never rejects: what fails ends the exchange. */
export async function uploadMessages(
  call: Call,
  plan: RequestPlan,
  planned: PlannedRequest,
  first: Payload | undefined,
  stream: ClientStream,
  exchange: BackendExchange,
): Promise<void> {
  const { messages, method } = call;
  const raw = planned.route.expander.rule.rawBody;
  try {
    let piece = first === undefined ? undefined : pieceOf(planned.request.body, raw);
    for (let index = 1; ; index++) {
      if (piece !== undefined && !stream.write(piece, false)) await new Promise<void>((resolve) => (stream.onDrain = resolve));
      if (exchange.isOver) return;
      const next = first === undefined ? undefined : messages.next();
      const message = next instanceof Promise ? await next : next;
      if (exchange.isOver) return;
      if (message === undefined) break;
      piece = pieceOf(plan.expandNext(message, planned, index), raw);
    }
    stream.end();
  } catch (error) {
    exchange.fail(call.cancelled ?? errorOfRequest(error, method));
  }
}
