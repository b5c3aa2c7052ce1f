/** The Connect backend of the matrix, over HTTP/1.1 or HTTP/2: bare messages and error JSON, envelopes and the end of a stream. */
import { once, type EventEmitter } from "node:events";
import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { connectErrorOf } from "../connect-error.ts";
import { envelope, EnvelopeSplitter } from "../envelopes.ts";
import { decodeRequest, encodeAnswer, type Message } from "../messages.ts";
import { seenCallOf, traceIdOf, type MatrixBackend, type Script, type SeenCall } from "../script.ts";
import { httpStatusOfCode } from "../statuses.ts";
import { SharedConnections } from "./shared-connections.ts";

/** RFC 9113, section 7. */
const internalError = 2;
const endOfStreamFlag = 2;

export const startConnectOver =
  (version: "1.1" | "2") =>
  async (scripts: ReadonlyMap<string, Script>): Promise<MatrixBackend> => {
    // The two are alike but for what they are called.
    const server = (version === "2" ? createHttp2({ settings: { maxConcurrentStreams: 1000 } }) : createHttp1()) as Server & EventEmitter;
    const connections = new SharedConnections(server, scripts);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const script = scripts.get(traceIdOf(request.headers["traceparent"] as string | undefined));
      if (script === undefined) response.writeHead(500).end();
      else new Conversation(request, response, script, connections).begin();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return {
      upstream: `${version === "2" ? "connect" : "connect+http1"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async stop() {
        connections.destroy();
        server.close();
        await once(server, "close");
      },
    };
  };

class Conversation {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly script: Script;
  private readonly connections: SharedConnections;
  private readonly seen: SeenCall;
  private readonly unary: boolean;
  private readonly compresses: boolean;
  private readonly splitter = new EnvelopeSplitter();
  private answered = 0;
  private over = false;

  constructor(request: IncomingMessage, response: ServerResponse, script: Script, connections: SharedConnections) {
    this.request = request;
    this.response = response;
    this.script = script;
    this.connections = connections;
    this.unary = script.kind === "unary";
    this.compresses = script.gzip && String(request.headers[this.named("accept-encoding")] ?? "").includes("gzip");
    this.seen = seenCallOf(request.url!, request.headers);
    script.seen.push(this.seen);
  }

  begin(): void {
    const { request, response, script, unary } = this;
    const chunks: Buffer[] = [];
    request.on("error", () => undefined); // "close" of the answer says so
    response.on("error", () => undefined);
    response.on("close", () => {
      if (!this.over) this.seen.aborted = true;
    });
    request.on("data", (chunk: Buffer) => {
      if (unary) chunks.push(chunk);
      else for (const { flags, bytes } of this.splitter.push(chunk)) this.onMessage(bytes, (flags & 1) === 1);
    });
    request.on("end", () => {
      // A stream that is reset ends first, as if all of it had come.
      if (isReset(request)) return;
      const body = Buffer.concat(chunks);
      if (unary) this.onMessage(body, body.length > 0 && request.headers["content-encoding"] === "gzip");
      this.onEnd();
    });
    if (script.requests.length === 0) script.arrived.resolve();
  }

  /** A field that streams name otherwise, because their body is not what it is about. */
  private named(field: string): string {
    return this.unary ? field : `connect-${field}`;
  }

  private onMessage(bytes: Buffer, compressed: boolean): void {
    const { script, seen } = this;
    seen.messages.push(decodeRequest(compressed ? gunzipSync(bytes) : bytes));
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
    const { script, connections } = this;
    if (this.over) return;
    switch (script.play) {
      case "answers":
        for (const message of script.answers) this.answer(message);
        this.finish();
        break;
      case "fails":
      case "fails late":
        if (this.unary) this.fail();
        else {
          for (const message of script.answers) this.answer(message);
          this.finish();
        }
        break;
      case "hangs":
        break;
      case "resets":
        this.over = true;
        this.breakOff();
        break;
      case "vanishes":
        this.over = true;
        for (const message of script.answers) this.answer(message);
        if (this.request.httpVersionMajor === 2) connections.vanish(script);
        else if (script.answers.length === 0) this.breakOff();
        else void script.answered.promise.then(() => this.breakOff());
        break;
    }
  }

  private breakOff(): void {
    const { request, response } = this;
    if (request.httpVersionMajor === 2) (response as unknown as Http2ServerResponse).stream.close(internalError);
    else request.socket.destroy();
  }

  private fail(): void {
    const { response, script } = this;
    const { failure, play, head, tail } = script;
    this.over = true;
    const fields = { "content-type": "application/json", ...(play === "fails late" ? head : {}), ...prefixed(tail) };
    response.writeHead(httpStatusOfCode(failure!.code), fields).end(JSON.stringify(connectErrorOf(failure!)));
  }

  private answer(message: Message): void {
    const { response, compresses } = this;
    const bytes = compresses ? gzipSync(encodeAnswer(message)) : encodeAnswer(message);
    this.begun();
    this.answered++;
    response.write(this.unary ? bytes : envelope(compresses ? 1 : 0, bytes));
  }

  private begun(): void {
    const { response, script, unary, compresses } = this;
    if (response.headersSent) return;
    response.writeHead(200, {
      "content-type": unary ? "application/proto" : "application/connect+proto",
      ...(script.play === "fails" ? {} : script.head),
      ...(compresses ? { [this.named("content-encoding")]: "gzip" } : {}),
      ...(unary ? prefixed(script.tail) : {}),
    });
    response.flushHeaders();
  }

  private finish(): void {
    const { response, script } = this;
    const { failure, tail } = script;
    this.over = true;
    this.begun();
    if (!this.unary) {
      const metadata = Object.fromEntries(Object.entries(tail).map(([name, value]) => [name, [value]]));
      const end = { ...(failure === undefined ? {} : { error: connectErrorOf(failure) }), metadata };
      response.write(envelope(endOfStreamFlag, Buffer.from(JSON.stringify(end))));
    }
    response.end();
  }
}

function isReset(request: IncomingMessage): boolean {
  return request.httpVersionMajor === 2 && (request as unknown as Http2ServerRequest).stream.closed;
}

function prefixed(tail: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tail).map(([name, value]) => [`trailer-${name}`, value]));
}
