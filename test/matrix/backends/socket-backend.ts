/** A WebSocket service for the matrix, by `ws`, beside the plain HTTP of the same port. */
import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { messageOfFrame, textOfFrame } from "../clients/passed-socket-client.ts";
import { seenCallOf, type Script, type SeenCall } from "../script.ts";
import { httpStatusOfCode } from "../statuses.ts";

/** RFC 6455, section 7.4.1: the server meets what it cannot go on from. */
const internalError = 1011;

/** Plays the backend's part of one upgrade. */
export function playSocket(request: IncomingMessage, connection: Duplex, head: Buffer, script: Script): void {
  const seen = seenCallOf(request.url!, request.headers);
  script.seen.push(seen);
  connection.on("error", () => undefined); // "close" says so
  if (script.play === "resets") connection.destroy();
  else if (script.play === "fails") refuse(connection, script);
  else accept(request, connection, head, script, seen);
}

function refuse(connection: Duplex, { failure }: Script): void {
  const status = httpStatusOfCode(failure!.code);
  const body = Buffer.from(failure!.message);
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}`;
  const fields = `content-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close`;
  connection.end(Buffer.concat([Buffer.from(`${line}\r\n${fields}\r\n\r\n`), body]));
}

function accept(request: IncomingMessage, connection: Duplex, head: Buffer, script: Script, seen: SeenCall): void {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: script.gzip ? { threshold: 0 } : false });
  server.on("headers", (lines) => lines.push(...Object.entries(script.head).map(([name, value]) => `${name}: ${value}`)));
  server.handleUpgrade(request, connection, head, (socket) => {
    socket.on("error", () => undefined); // "close" comes behind it
    socket.on("close", () => (seen.aborted = script.play === "hangs"));
    socket.on("message", (data: Buffer) => {
      seen.messages.push(messageOfFrame(data));
      seen.compressed.push(false); // `ws` does not tell
      if (script.kind === "bidi" && script.play === "answers") answer(socket, script, seen.messages.length - 1);
      if (seen.messages.length === script.requests.length) act(socket, connection, script);
    });
    if (script.requests.length === 0) act(socket, connection, script);
  });
}

/** All that the client has to say has come. */
function act(socket: WebSocket, connection: Duplex, script: Script): void {
  const { play, kind, answers, answered, arrived } = script;
  arrived.resolve();
  if (play === "hangs" || (kind === "bidi" && play === "answers")) return;
  for (const index of answers.keys()) answer(socket, script, index);
  if (play === "fails late") socket.close(internalError);
  if (play === "vanishes") void (answers.length > 0 ? answered.promise : Promise.resolve()).then(() => connection.destroy());
}

function answer(socket: WebSocket, { answers }: Script, index: number): void {
  if (index < answers.length) socket.send(textOfFrame(answers[index]!));
}
