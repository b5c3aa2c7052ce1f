/** The REST backend of the matrix: node:http, JSON in, JSON or a message a line out, failures as `google.rpc.Status`. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Message } from "../messages.ts";
import { httpStatusOfCode } from "../statuses.ts";
import { seenCallOf, opaquePath, streamsAnswers, streamsRequests, type MatrixBackend, type Script, type SeenCall } from "../script.ts";
import { playHttp } from "./http-backend.ts";
import { startHttp1Backend } from "./http1-backend.ts";

export function startRestBackend(scripts: ReadonlyMap<string, Script>): Promise<MatrixBackend> {
  return startHttp1Backend(scripts, (request, response, script) => {
    // What no rule describes is passed on as it is.
    if (request.url!.startsWith(opaquePath)) playHttp(request, response, script);
    else new Conversation(request, response, script).begin();
  });
}

class Conversation {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly script: Script;
  private readonly seen: SeenCall;
  private text = "";
  private answered = 0;
  private over = false;

  constructor(request: IncomingMessage, response: ServerResponse, script: Script) {
    this.request = request;
    this.response = response;
    this.script = script;
    this.seen = seenCallOf(request.url!, request.headers);
    script.seen.push(this.seen);
  }

  begin(): void {
    const { request, response, script } = this;
    const gzipped = request.headers["content-encoding"] === "gzip";
    const chunks: Buffer[] = [];
    request.on("error", () => undefined); // "close" of the answer says so
    response.on("error", () => undefined);
    response.on("close", () => {
      if (!this.over) this.seen.aborted = true;
    });
    request.on("data", (chunk: Buffer) => {
      if (!streamsRequests(script.kind) || gzipped) chunks.push(chunk);
      else this.onText(chunk.toString());
    });
    request.on("end", () => {
      const body = gzipped ? gunzipSync(Buffer.concat(chunks)) : Buffer.concat(chunks);
      if (!streamsRequests(script.kind)) this.onMessage(body.length === 0 ? {} : (JSON.parse(body.toString()) as Message), gzipped);
      else if (gzipped) this.onText(body.toString());
      this.onEnd();
    });
    if (script.requests.length === 0) script.arrived.resolve();
  }

  private onText(text: string): void {
    const lines = (this.text + text).split("\n");
    this.text = lines.pop()!;
    for (const line of lines) this.onMessage(JSON.parse(line) as Message, false);
  }

  private onMessage(message: Message, compressed: boolean): void {
    const { script, seen } = this;
    seen.messages.push(message);
    seen.compressed.push(compressed);
    if (seen.messages.length === script.requests.length) script.arrived.resolve();
    if (script.kind !== "bidi") return;
    if (script.play === "answers") this.answer(script.answers[this.answered]!);
    else this.act();
  }

  private onEnd(): void {
    if (this.script.kind !== "bidi") this.act();
    else if (this.script.play === "answers") this.finish();
  }

  private act(): void {
    const { script, response, request } = this;
    if (this.over) return;
    switch (script.play) {
      case "answers":
        this.answerAll();
        this.finish();
        break;
      case "fails":
        this.fail();
        break;
      case "fails late":
        // The status of a message that is alone is its HTTP status.
        if (!streamsAnswers(script.kind)) return this.fail();
        this.answerAll();
        response.write(`${JSON.stringify({ error: { ...script.failure } })}\n`);
        this.finish();
        break;
      case "hangs":
        break;
      case "resets":
        this.over = true;
        request.socket.destroy();
        break;
      case "vanishes":
        this.over = true;
        if (streamsAnswers(script.kind)) {
          this.answerAll();
          void script.answered.promise.then(() => request.socket.destroy());
        } else {
          response.writeHead(200, { "content-type": "application/json", "content-length": 100, ...script.head });
          response.write('{"text":', () => request.socket.destroy());
        }
        break;
    }
  }

  private fail(): void {
    const { script, response } = this;
    this.over = true;
    const head = script.play === "fails late" ? script.head : {};
    const fields = { "content-type": "application/json", ...head, ...prefixed(script.tail) };
    response.writeHead(httpStatusOfCode(script.failure!.code), fields).end(JSON.stringify(script.failure));
  }

  private answerAll(): void {
    this.begun();
    for (const message of this.script.answers) this.answer(message);
  }

  private answer(message: Message): void {
    const { kind } = this.script;
    this.begun();
    this.answered++;
    const text = JSON.stringify(message) + (streamsAnswers(kind) ? "\n" : "");
    this.response.write(this.encodes ? gzipSync(text) : text);
  }

  /** A stream stays as it is: its messages have to leave one by one. */
  private get encodes(): boolean {
    const { gzip, kind } = this.script;
    return gzip && !streamsAnswers(kind) && String(this.request.headers["accept-encoding"] ?? "").includes("gzip");
  }

  private begun(): void {
    const { response, script } = this;
    if (response.headersSent) return;
    const streams = streamsAnswers(script.kind);
    response.writeHead(200, {
      "content-type": streams ? "application/x-ndjson" : "application/json",
      ...(this.encodes ? { "content-encoding": "gzip" } : {}),
      ...script.head,
      ...(streams ? { trailer: Object.keys(script.tail).join(", ") } : prefixed(script.tail)),
    });
    response.flushHeaders();
  }

  private finish(): void {
    const { response, script } = this;
    this.over = true;
    this.begun();
    if (streamsAnswers(script.kind)) response.addTrailers(script.tail);
    response.end();
  }
}

function prefixed(tail: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tail).map(([name, value]) => [`trailer-${name}`, value]));
}
