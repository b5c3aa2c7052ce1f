/** The gRPC backend of the matrix: node:http2, which lets a script do what no gRPC library would. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { envelope, EnvelopeSplitter } from "../envelopes.ts";
import { decodeRequest, encodeAnswer, encodeStatus, type Message } from "../messages.ts";
import { seenCallOf, traceIdOf, type MatrixBackend, type Script, type SeenCall } from "../script.ts";
import { SharedConnections } from "./shared-connections.ts";

/** RFC 9113, section 7. */
const internalError = 2;

export async function startGrpcBackend(scripts: ReadonlyMap<string, Script>): Promise<MatrixBackend> {
  const server = createServer({ settings: { maxConcurrentStreams: 1000 } });
  const connections = new SharedConnections(server, scripts);
  server.on("session", (session) => session.on("error", () => undefined)); // what broke shows in its streams
  server.on("stream", (stream, headers) => {
    const script = scripts.get(traceIdOf(String(headers["traceparent"])));
    if (script === undefined) stream.close(internalError);
    else new Conversation(stream, headers, script, connections).begin();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    upstream: `grpc://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      connections.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

class Conversation {
  private readonly stream: ServerHttp2Stream;
  private readonly script: Script;
  private readonly seen: SeenCall;
  private readonly connections: SharedConnections;
  private readonly encoding: string | undefined;
  private readonly splitter = new EnvelopeSplitter();
  private readonly compresses: boolean;
  private answered = 0;
  private over = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, script: Script, connections: SharedConnections) {
    this.stream = stream;
    this.connections = connections;
    this.script = script;
    this.encoding = headers["grpc-encoding"] as string | undefined;
    this.compresses = script.gzip && String(headers["grpc-accept-encoding"] ?? "").includes("gzip");
    this.seen = seenCallOf(headers[":path"]!, headers);
    script.seen.push(this.seen);
  }

  begin(): void {
    const { script, stream } = this;
    stream.on("error", () => undefined); // "close" has the code
    stream.on("close", () => {
      if (!this.over) this.seen.aborted = true;
    });
    stream.on("data", (chunk: Buffer) => {
      for (const { flags, bytes } of this.splitter.push(chunk)) this.onMessage(flags, bytes);
    });
    stream.on("end", () => this.onEnd());
    if (script.requests.length === 0) script.arrived.resolve();
  }

  private onMessage(flags: number, bytes: Buffer): void {
    const { script, seen } = this;
    const compressed = (flags & 1) === 1;
    seen.messages.push(decodeRequest(compressed && this.encoding === "gzip" ? gunzipSync(bytes) : bytes));
    seen.compressed.push(compressed);
    if (seen.messages.length === script.requests.length) script.arrived.resolve();
    if (script.kind !== "bidi") return;
    if (script.play === "answers") this.answer(script.answers[this.answered]!);
    else this.act();
  }

  private onEnd(): void {
    if (this.script.kind !== "bidi") this.act();
    else if (this.script.play === "answers") this.finish(0);
  }

  /** Everything but a conversation that goes well. */
  private act(): void {
    const { script, stream } = this;
    const { failure } = script;
    if (this.over) return;
    switch (script.play) {
      case "answers":
        this.answerAll();
        this.finish(0);
        break;
      case "fails":
        this.over = true;
        stream.respond({ ...this.headFields(), ...this.statusFields(failure!.code), ...script.tail }, { endStream: true });
        break;
      case "fails late":
        this.answerAll();
        this.finish(failure!.code);
        break;
      case "hangs":
        break;
      case "resets":
        this.over = true;
        stream.close(internalError);
        break;
      case "vanishes":
        this.over = true;
        this.answerAll();
        this.connections.vanish(script);
        break;
    }
  }

  private answerAll(): void {
    this.begun();
    for (const answer of this.script.answers) this.answer(answer);
  }

  private answer(message: Message): void {
    this.begun();
    const bytes = encodeAnswer(message);
    this.answered++;
    this.stream.write(this.compresses ? envelope(1, gzipSync(bytes)) : envelope(0, bytes));
  }

  private begun(): void {
    const { stream, script } = this;
    if (stream.headersSent || stream.destroyed) return;
    stream.respond(
      { ...this.headFields(), ...(this.compresses ? { "grpc-encoding": "gzip" } : {}), ...script.head },
      { waitForTrailers: true },
    );
  }

  private headFields(): Record<string, string | number> {
    return { ":status": 200, "content-type": "application/grpc" };
  }

  private finish(code: number): void {
    const { stream, script } = this;
    if (this.over || stream.destroyed) return;
    this.over = true;
    this.begun();
    stream.on("wantTrailers", () => stream.sendTrailers({ ...this.statusFields(code), ...script.tail }));
    stream.end();
  }

  private statusFields(code: number): Record<string, string> {
    const { failure } = this.script;
    if (code === 0 || failure === undefined) return { "grpc-status": String(code) };
    return {
      "grpc-status": String(code),
      "grpc-message": encodeURIComponent(failure.message),
      "grpc-status-details-bin": encodeStatus(code, failure).toString("base64").replace(/=+$/, ""),
    };
  }
}
