/** The one message of a call that has exactly one, also where it comes as a stream. */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Payload } from "../../core/payload.ts";

/** @throws CallError for none, and for more than one */
export async function onlyMessage({ messages }: Call): Promise<Payload> {
  if (messages.single !== undefined) return messages.single;
  const message = await messages.next();
  if (message === undefined) throw new CallError("MISSING_MESSAGE", undefined, { source: "caller" });
  if ((await messages.next()) !== undefined) throw new CallError("TOO_MANY_MESSAGES", undefined, { source: "caller" });
  return message;
}
