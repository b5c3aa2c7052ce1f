/** Makes the WebSocket calls of the soak. */
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { SocketRequest } from "./form.ts";
import type { Manner } from "./http-caller.ts";
import type { Outcome, Ticket } from "./ledger.ts";

const highWaterBytes = 65_536;

/** @param address HOST:PORT */
export function callSocket(address: string, asked: SocketRequest, { record, traceparent }: Ticket, manner: Manner): Promise<Outcome> {
  const { path, headers, subprotocol, frames } = asked;
  const protocols = subprotocol === undefined ? [] : [subprotocol];
  const ws = new WebSocket(`ws://${address}${path}`, protocols, {
    headers: { ...headers, traceparent },
    perMessageDeflate: record.form.name.length % 2 === 0,
  });
  let socket: Socket | undefined;
  let left = false;
  let timer: NodeJS.Timeout | undefined;

  return new Promise((resolve) => {
    const over = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    const leave = (): void => {
      left = true;
      if (manner.leave === "reset") socket?.resetAndDestroy();
      else if (ws.readyState === WebSocket.OPEN && manner.afterMs % 2 === 0) ws.close(1000);
      else ws.terminate();
      over("left");
    };
    let failed = false;
    let refused = false;
    ws.on("upgrade", (response) => (socket = response.socket));
    ws.on("unexpected-response", (request, response) => {
      record.answered = refused = true;
      record.note += ` HTTP ${response.statusCode}`;
      request.on("error", () => undefined);
      const carrier = response.socket;
      response.resume().on("end", () => {
        over("error");
        carrier.destroy(); // else it would be kept for another request
      });
    });
    ws.on("open", () => {
      if (manner.leave !== "never") timer = setTimeout(leave, manner.afterMs);
      void send();
    });
    ws.on("message", (data: Buffer) => {
      record.answered = true;
      failed ||= /"status":\{"code":[1-9]|"error":\{|grpc-status: ?[1-9]/.test(data.toString("latin1"));
      if (!manner.slow) return;
      ws.pause();
      setTimeout(() => ws.resume(), 2);
    });
    ws.on("error", (error) => (record.note += ` ${error.message}`));
    ws.on("close", (code) => {
      record.note += ` closed ${code}`;
      if (left) over("left");
      else if (!refused) over(code === 1006 ? (manner.leave === "never" ? "lost" : "left") : code === 1000 && !failed ? "ok" : "error");
    });

    async function send(): Promise<void> {
      for (const frame of frames) {
        if (ws.readyState !== WebSocket.OPEN) return;
        ws.send(frame);
        while (ws.bufferedAmount > highWaterBytes && ws.readyState === WebSocket.OPEN) await new Promise((wait) => setTimeout(wait, 2));
      }
    }
  });
}
