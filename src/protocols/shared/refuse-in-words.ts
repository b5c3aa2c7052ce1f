/**
 * The answer to a request in a form nobody here reads: an HTTP status, and a line of text for people.
 *
 * The trap: JSON would do harm here. A client of Connect takes it for an error of its own format, finds none in it, and the status alone
 * would have told it what it needs (connectrpc.com/docs/protocol, "HTTP to Error Code").
 */
import type { CallError } from "../../core/call-error.ts";
import type { Exchange } from "../../wire/exchange.ts";

export function refuseInWords(error: CallError, httpStatus: number, x: Exchange): void {
  x.respond(httpStatus, ["content-type", "text/plain; charset=utf-8", ...error.headers], Buffer.from(`${error.message}\n`));
}
