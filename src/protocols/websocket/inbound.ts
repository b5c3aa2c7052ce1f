/**
 * Calls over a WebSocket in: any method of any kind, at its REST path or its own, in one of the subprotocols; and what no schema describes,
 * passed on to a service that speaks WebSocket itself (SEMANTICS A2).
 *
 * Two traps. What is refused before the 101 is an HTTP answer; what fails afterwards is told by frames, and the session does that: `reject` is
 * for the former only, and `encode` leaves the last word to the session. And `ws` is loaded with the first upgrade, because it costs every
 * start some milliseconds.
 */
import type { Call } from "../../core/call.ts";
import type { CallError } from "../../core/call-error.ts";
import { systemClock } from "../../core/clock.ts";
import { systemRandom } from "../../core/random.ts";
import type { Reply } from "../../core/reply.ts";
import type { Status } from "../../core/status.ts";
import type { Exchange, RequestHead } from "../../wire/exchange.ts";
import type { Catalogue, Inbound } from "../protocol.ts";
import { errorJson } from "../shared/error-json.ts";
import { httpStatusOfCode } from "../shared/http-status.ts";
import type * as Opening from "./open.ts";
import { isPassedOn } from "./route.ts";

export function createWebSocketInbound(services: Opening.OpenServices = { clock: systemClock, random: systemRandom }): Inbound {
  let sessions: typeof Opening | undefined;

  async function load(): Promise<typeof Opening> {
    return (sessions = await import("./open.ts"));
  }

  function begin({ openWebSocket, passWebSocketOn }: typeof Opening, x: Exchange, catalogue: Catalogue): Call | Promise<Call> {
    return isPassedOn(x.head.target, catalogue) ? passWebSocketOn(x, catalogue) : openWebSocket(x, catalogue, services);
  }

  return {
    kind: "websocket",

    accepts: ({ upgrade, method }: RequestHead) => upgrade === "websocket" && method === "GET",

    decode: (x: Exchange, catalogue: Catalogue): Call | Promise<Call> =>
      sessions === undefined ? load().then((loaded) => begin(loaded, x, catalogue)) : begin(sessions, x, catalogue),

    encode: (reply: Reply, call: Call, x: Exchange, catalogue: Catalogue): Promise<Status> =>
      sessions!.answer(reply, call, x, catalogue, services),

    reject(error: CallError, x: Exchange, catalogue: Catalogue): void {
      x.body.cancel();
      const headers = ["content-type", "application/json", ...error.headers];
      x.respond(error.httpStatus ?? httpStatusOfCode(error.code), headers, Buffer.from(errorJson(error, catalogue)));
    },
  };
}
