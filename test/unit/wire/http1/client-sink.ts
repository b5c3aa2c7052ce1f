/** What the tests of the client role have in common: servers that say what they are told to, to the byte, and a sink that keeps what comes. */
import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { systemClock } from "../../../../src/core/clock.ts";
import type { ClientStream } from "../../../../src/wire/http-client.ts";
import type { SwitchedConnection, UpgradeSink } from "../../../../src/wire/http-upgrade.ts";
import { Http1Client, type Http1ClientOptions } from "../../../../src/wire/http1/http1-client.ts";
import type { WireError } from "../../../../src/wire/wire-error.ts";
import { until } from "../../../support/until.ts";

export class Received implements UpgradeSink {
  status = 0;
  headers: readonly string[] = [];
  trailers: readonly string[] | undefined;
  text = "";
  ended = false;
  error: WireError | undefined;
  switched: SwitchedConnection | undefined;
  stream!: ClientStream;
  /** Called by `onSwitch`. */
  listen: (connection: SwitchedConnection) => void = () => undefined;

  onHead(status: number, headers: readonly string[]): void {
    this.status = status;
    this.headers = headers;
  }

  onData(chunk: Uint8Array): void {
    this.text += Buffer.from(chunk).toString("latin1");
    this.stream.consumed(chunk.length);
  }

  onEnd(trailers: readonly string[] | undefined): void {
    assert.ok(!this.over, "the sink hears of one end");
    this.trailers = trailers;
    this.ended = true;
  }

  onError(error: WireError): void {
    assert.ok(!this.over, "the sink hears of one end");
    this.error = error;
  }

  onSwitch(headers: readonly string[], connection: SwitchedConnection): void {
    assert.ok(!this.over, "the sink hears of one end");
    this.headers = headers;
    this.switched = connection;
    this.listen(connection);
  }

  get over(): boolean {
    return this.ended || this.error !== undefined || this.switched !== undefined;
  }

  async end(): Promise<this> {
    await until(() => this.over, "the end of the answer");
    return this;
  }
}

/** @param head what the server has read of a request, up to its empty line; `number` counts the requests of the connection */
export type Script = (socket: Socket, head: string, number: number) => void;

export class ScriptedServer {
  connections = 0;
  /** Heads of requests, in the order they came. */
  readonly heads: string[] = [];
  readonly sockets: Socket[] = [];
  private readonly server: Server;

  constructor(script: Script) {
    this.server = createServer((socket) => {
      this.connections++;
      this.sockets.push(socket);
      let read = "";
      let number = 0;
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => {
        read += chunk.toString("latin1");
        for (let end = read.indexOf("\r\n\r\n"); end >= 0; end = read.indexOf("\r\n\r\n")) {
          const head = read.slice(0, end + 4);
          read = read.slice(end + 4);
          if (!/^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(head)) continue;
          this.heads.push(head);
          script(socket, head, ++number);
        }
      });
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", () => resolve()));
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

export function clientAt(port: number, options: Partial<Http1ClientOptions> = {}): Http1Client {
  return new Http1Client({ host: "127.0.0.1", port, clock: systemClock, ...options });
}

/** A request whose body, if any, is whole. */
export function ask(client: Http1Client, method = "GET", body = "", more: readonly string[] = []): Received {
  const sink = new Received();
  const template = { method, scheme: "http", authority: "server.test", path: "/path", headers: [] } as const;
  sink.stream = client.open(template, [], more, sink, Infinity);
  if (body === "") sink.stream.end();
  else sink.stream.write(Buffer.from(body), true);
  return sink;
}
