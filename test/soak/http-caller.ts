/**
 * Makes the HTTP calls of the soak, over both versions, in the manner asked for: reads at leisure, leaves, or resets the connection.
 *
 * The trap: resetting a connection of HTTP/2 ends every call on it, so those have one each; cancelling there is a frame and disturbs nobody.
 */
import { Agent, request as request1, type ClientRequest } from "node:http";
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpRequest, HttpVersion } from "./form.ts";
import type { CallRecord, Outcome, Ticket } from "./ledger.ts";

export interface Manner {
  readonly leave: "never" | "cancel" | "reset";
  /** When to leave; 0 is as soon as the request was written. */
  readonly afterMs: number;
  readonly slow: boolean;
}

const sessionsPerTarget = 3;
const keptTail = 4096;

export class HttpCaller {
  private readonly host: string;
  private readonly port: number;
  private readonly agent = new Agent({ keepAlive: true, maxFreeSockets: 16 });
  private readonly sessions: (ClientHttp2Session | undefined)[] = [];
  private turn = 0;

  /** @param address HOST:PORT */
  constructor(address: string) {
    const [host, port] = address.split(":");
    this.host = host!;
    this.port = Number(port);
  }

  call(version: HttpVersion, asked: HttpRequest, ticket: Ticket, manner: Manner): Promise<Outcome> {
    return version === "2" ? this.callHttp2(asked, ticket, manner) : this.callHttp1(asked, ticket, manner);
  }

  /** Ends what is idle. */
  close(): void {
    this.agent.destroy();
    for (const session of this.sessions) session?.close();
    this.sessions.length = 0;
  }

  private callHttp1(asked: HttpRequest, { record, traceparent }: Ticket, manner: Manner): Promise<Outcome> {
    const headers = { ...asked.headers, traceparent };
    const { host, port, agent } = this;
    const request: ClientRequest = request1({ host, port, agent, method: asked.method, path: asked.path, headers });
    const exchange = new Exchanged(asked, record, manner);
    request.on("response", (response) => {
      exchange.head(response.statusCode ?? 0, response.headers);
      exchange.body(response);
      response.on("end", () => exchange.trailers(response.trailers));
    });
    request.on("error", (error) => exchange.broke(error, request.reusedSocket));
    exchange.leaveBy(() => {
      if (manner.leave === "reset") request.socket?.resetAndDestroy();
      request.destroy();
    });
    void exchange.send(request);
    return exchange.over.finally(() => {
      // An answer that came before the request was whole leaves the rest of it unsent.
      if (!request.writableFinished) request.destroy();
    });
  }

  private callHttp2(asked: HttpRequest, { record, traceparent }: Ticket, manner: Manner): Promise<Outcome> {
    const own = manner.leave === "reset";
    const session = own ? this.open() : this.session();
    let stream: ClientHttp2Stream;
    try {
      stream = session.request({ ...asked.headers, traceparent, ":method": asked.method, ":path": asked.path }, { endStream: false });
    } catch (error) {
      record.note += String(error);
      return Promise.resolve("lost");
    }
    const exchange = new Exchanged(asked, record, manner);
    stream.on("response", (headers) => exchange.head(Number(headers[":status"]), headers));
    stream.on("trailers", (headers) => exchange.trailers(headers));
    exchange.body(stream);
    stream.on("error", (error) => exchange.broke(error));
    stream.on("close", () => exchange.broke(new Error(`closed with ${stream.rstCode}`)));
    exchange.leaveBy(() => {
      if (own) (session.socket as Socket | undefined)?.resetAndDestroy();
      else stream.close(8);
    });
    void exchange.send(stream);
    return exchange.over.finally(() => {
      if (own) session.destroy();
      else stream.close(8);
    });
  }

  private session(): ClientHttp2Session {
    const slot = this.turn++ % sessionsPerTarget;
    const known = this.sessions[slot];
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    return (this.sessions[slot] = this.open());
  }

  private open(): ClientHttp2Session {
    // Node counts what it holds for a session, loses count over streams that are reset, and then breaks every new one off by itself.
    const session = connect(`http://${this.host}:${this.port}`, { settings: { enablePush: false }, maxSessionMemory: 1000 });
    session.on("error", () => undefined); // every call on it hears of that itself
    return session;
  }
}

/** One call: what comes of it, and when it is over. */
class Exchanged {
  readonly over: Promise<Outcome>;
  private readonly asked: HttpRequest;
  private readonly record: CallRecord;
  private readonly manner: Manner;
  private settle!: (outcome: Outcome) => void;
  private settled = false;
  private left = false;
  private whole = false;
  private leave: () => void = () => undefined;
  private status = 0;
  private grpcStatus: string | undefined;
  private tail = "";

  constructor(asked: HttpRequest, record: CallRecord, manner: Manner) {
    this.asked = asked;
    this.record = record;
    this.manner = manner;
    this.over = new Promise((resolve) => {
      this.settle = (outcome) => {
        if (this.settled) return;
        this.settled = true;
        resolve(outcome);
      };
    });
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    this.record.answered = true;
    this.status = status;
    this.trailers(headers);
  }

  trailers(fields: NodeJS.Dict<string | string[]>): void {
    const status = fields["grpc-status"];
    if (typeof status === "string") this.grpcStatus = status;
  }

  body(readable: Readable): void {
    const { slow } = this.manner;
    readable.on("data", (chunk: Buffer) => {
      this.record.answered = true;
      this.tail = (this.tail + chunk.toString("latin1", Math.max(0, chunk.length - keptTail))).slice(-keptTail);
      if (!slow) return;
      readable.pause();
      setTimeout(() => readable.resume(), 2);
    });
    readable.on("error", (error) => this.broke(error));
    readable.on("end", () => {
      this.whole = true;
      // Trailers are told before or with the end.
      setImmediate(() => this.settle(this.verdict()));
    });
    readable.on("close", () => this.broke(new Error("closed")));
  }

  leaveBy(leave: () => void): void {
    this.leave = () => {
      if (this.settled) return;
      this.left = true;
      leave();
      this.settle("left");
    };
  }

  async send(writable: Writable): Promise<void> {
    const { pieces = [], open = false } = this.asked;
    const { leave, afterMs } = this.manner;
    for (const [index, piece] of pieces.entries()) {
      if (this.settled || writable.destroyed) return;
      if (!writable.write(piece)) await this.drained(writable);
      // Some of the time the pieces travel apart.
      else if (index % 3 === 2) await sleep(0);
    }
    if (!open && !this.settled && !writable.destroyed) writable.end();
    else if (open && pieces.length === 0) (writable as ClientRequest).flushHeaders?.();
    if (leave === "never") return;
    if (afterMs > 0) await sleep(afterMs);
    this.leave();
  }

  /** @param kept the connection had served a call before */
  broke(error: Error, kept = false): void {
    if (this.settled || this.whole) return;
    this.record.note += ` ${error.message} after ${this.status} `;
    if (kept && !this.record.answered && this.manner.leave === "never") return this.settle("raced");
    // An answer that says no and a connection that is closed behind it, while the request was still on its way, is an answer.
    this.settle(
      this.left ? "left" : this.record.answered && this.verdict() === "error" ? "error" : this.manner.leave === "never" ? "lost" : "left",
    );
  }

  private drained(writable: Writable): Promise<unknown> {
    return Promise.race([new Promise((resolve) => writable.once("drain", resolve)), this.over]);
  }

  private verdict(): Outcome {
    this.record.note += ` HTTP ${this.status} grpc-status ${this.grpcStatus ?? "-"}`;
    if (this.status !== 200 || (this.grpcStatus ?? "0") !== "0" || this.asked.failed?.test(this.decoded()) === true) return "error";
    return "ok";
  }

  private decoded(): string {
    // The last group of padded base64 holds the trailers of gRPC-Web text.
    const padded = /[A-Za-z0-9+/]+={0,2}$/.exec(this.tail)?.[0] ?? "";
    return this.tail + (padded.length % 4 === 0 ? Buffer.from(padded, "base64").toString("latin1") : "");
  }
}
