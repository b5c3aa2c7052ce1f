/** A gRPC server that takes every call, remembers what it was sent, and answers with one empty message. Calls are told apart by `x-case`. */
import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

interface RecordedCall {
  readonly path: string;
  /** The first message, once it has come. */
  message: Buffer | undefined;
}

export class RecordingUpstream {
  readonly port: number;
  readonly calls = new Map<string, RecordedCall>();
  private readonly server: Http2Server;
  private readonly sessions: Set<ServerHttp2Session>;

  private constructor(server: Http2Server, sessions: Set<ServerHttp2Session>) {
    this.server = server;
    this.sessions = sessions;
    this.port = (server.address() as AddressInfo).port;
    server.on("stream", (stream, headers) => this.take(stream, headers[":path"] ?? "", String(headers["x-case"])));
  }

  static async start(): Promise<RecordingUpstream> {
    const sessions = new Set<ServerHttp2Session>();
    const server = createServer();
    server.on("session", (session) => {
      sessions.add(session);
      session.on("close", () => sessions.delete(session)).on("error", () => undefined);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new RecordingUpstream(server, sessions);
  }

  async stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    this.server.close();
    await once(this.server, "close");
  }

  private take(stream: ServerHttp2Stream, path: string, name: string): void {
    const call: RecordedCall = { path, message: undefined };
    this.calls.set(name, call);
    const chunks: Buffer[] = [];
    stream.on("error", () => undefined);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const body = Buffer.concat(chunks);
      if (body.length >= 5) call.message = body.subarray(5, 5 + body.readUInt32BE(1));
      if (stream.destroyed) return;
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.alloc(5));
    });
  }
}
