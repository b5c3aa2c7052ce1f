/** A plain HTTP server for the matrix: bodies are lines it understands and nobody between does; a failure is an HTTP status. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { gunzipSync } from "node:zlib";
import { messagesOfLines, textOf, zipped } from "../lines.ts";
import { httpStatusOfCode } from "../statuses.ts";
import { seenCallOf, streamsAnswers, type Script, type SeenCall } from "../script.ts";
import { startHttp1Backend } from "./http1-backend.ts";
import type { MatrixBackend } from "../script.ts";

export function startHttpBackend(scripts: ReadonlyMap<string, Script>): Promise<MatrixBackend> {
  return startHttp1Backend(scripts, playHttp);
}

/** Plays the backend's part of one request. */
export function playHttp(request: IncomingMessage, response: ServerResponse, script: Script): void {
  new Conversation(request, response, script).begin();
}

class Conversation {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly script: Script;
  private readonly seen: SeenCall;
  private readonly chunks: Buffer[] = [];
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
    request.on("error", () => undefined); // "close" of the answer says so
    response.on("error", () => undefined);
    response.on("close", () => {
      if (!this.over) this.seen.aborted = true;
    });
    request.on("data", (chunk: Buffer) => {
      this.chunks.push(chunk);
      if (script.kind === "bidi" && !script.gzip) this.read();
    });
    request.on("end", () => {
      this.read();
      script.arrived.resolve();
      if (script.kind !== "bidi" || this.seen.messages.length === 0) this.act();
      else if (script.play === "answers") this.finish();
    });
  }

  /** The lines so far. */
  private read(): void {
    const { seen, script } = this;
    const body = Buffer.concat(this.chunks);
    const encoded = this.request.headers["content-encoding"] === "gzip";
    const messages = messagesOfLines(encoded && body.length > 0 ? gunzipSync(body) : body);
    for (const message of messages.slice(seen.messages.length)) {
      seen.messages.push(message);
      seen.compressed.push(encoded);
      if (script.kind !== "bidi") continue;
      script.arrived.resolve();
      if (script.play !== "answers") this.act();
      else if (this.answered < script.answers.length && !script.gzip) this.answer(this.answered);
    }
  }

  private act(): void {
    const { script, response, request } = this;
    const { failure } = script;
    if (this.over) return;
    switch (script.play) {
      case "answers":
        this.finish();
        break;
      case "fails":
        this.over = true;
        response.writeHead(httpStatusOfCode(failure!.code), { "content-type": "text/plain", ...script.head }).end(failure!.message);
        break;
      case "vanishes":
        this.over = true;
        this.begun({ "content-length": 1000 });
        response.write("{");
        void script.answered.promise.then(() => request.socket.destroy());
        break;
      case "resets":
        this.over = true;
        request.socket.destroy();
        break;
      case "hangs":
      case "fails late": // no such thing here
        break;
    }
  }

  private begun(framing: Readonly<Record<string, string | number>>): void {
    const { response, script } = this;
    if (response.headersSent) return;
    const { head, gzip } = script;
    response.writeHead(200, { "content-type": "text/x-lines", ...head, ...(gzip ? { "content-encoding": "gzip" } : {}), ...framing });
    response.flushHeaders();
  }

  private answer(index: number): void {
    this.begun({ trailer: Object.keys(this.script.tail).join(", ") });
    this.answered++;
    this.response.write(textOf([this.script.answers[index]!]));
  }

  /** What has not been answered yet, and the end. */
  private finish(): void {
    const { response, script } = this;
    this.over = true;
    const body = zipped(textOf(script.answers.slice(this.answered)), script.gzip);
    if (streamsAnswers(script.kind)) {
      this.begun({ trailer: Object.keys(script.tail).join(", ") });
      if (body.length > 0) response.write(body);
      response.addTrailers(script.tail);
      response.end();
    } else {
      this.begun({ "content-length": body.length });
      response.end(body);
    }
  }
}
