/**
 * A WebSocket of `ws` that is passed on: frames that nobody between looks into, closed by the client once it has what it came for.
 *
 * The trap: what is no 101 is an answer of HTTP, the service's or the proxy's own.
 */
import { WebSocket } from "ws";
import type { Message } from "../messages.ts";
import { metadataOf, methodOfKind, type MatrixClient, type Observed, type Script } from "../script.ts";
import { fieldsOfHttp, observedHttp } from "./http-client.ts";

/** @param path before the name of the method */
export function createPassedSocketClient(port: number, path: string, subprotocols: readonly string[] = []): MatrixClient {
  return {
    call: (script) =>
      talk(new WebSocket(`ws://127.0.0.1:${port}${path}${methodOfKind[script.kind]}`, [...subprotocols], optionsOf(script)), script),
    close: () => undefined,
  };
}

function optionsOf(script: Script): WebSocket.ClientOptions {
  const { gzip, timeoutMs } = script;
  const timeout = timeoutMs === undefined ? {} : { "x-server-timeout": String(timeoutMs / 1000) };
  return { headers: { ...metadataOf(script), ...timeout }, perMessageDeflate: gzip ? { threshold: 0 } : false };
}

function talk(ws: WebSocket, script: Script): Promise<Observed> {
  const { requests, answers, answered } = script;
  const { promise, resolve } = Promise.withResolvers<Observed>();
  const messages: Message[] = [];
  let metadata: Record<string, string> = {};
  const closeWhenDone = (): void => {
    if (script.play === "answers" && messages.length === answers.length) ws.close(1000);
  };
  ws.on("error", () => undefined); // shows in how it closed
  ws.on("upgrade", ({ headers }) => (metadata = fieldsOfHttp(headers)));
  ws.on("unexpected-response", (_request, response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => {
      const headers = fieldsOfHttp(response.headers);
      resolve(observedHttp({ status: response.statusCode!, headers, trailers: {}, body: Buffer.concat(chunks), broken: false }));
    });
  });
  ws.on("open", () => {
    for (const message of requests) ws.send(textOfFrame(message));
    closeWhenDone();
  });
  ws.on("message", (data: Buffer) => {
    messages.push(messageOfFrame(data));
    answered.resolve();
    closeWhenDone();
  });
  ws.on("close", (closeCode) => {
    const form = { closeCode, compressed: ws.extensions.includes("permessage-deflate") };
    resolve({ code: closeCode === 1000 ? 0 : -1, message: "", details: [], messages, metadata, trailers: {}, form });
  });
  // Without a close frame: with one it would be an end like any other.
  if (script.leaves) void script.arrived.promise.then(() => ws.terminate());
  return promise;
}

/** A message without fields is an empty frame. */
export function textOfFrame({ text, index }: Message): string {
  return text === undefined ? "" : JSON.stringify({ text, index });
}

export function messageOfFrame(frame: Buffer): Message {
  return frame.length === 0 ? {} : (JSON.parse(frame.toString()) as Message);
}
