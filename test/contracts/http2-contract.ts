/**
 * What every HTTP/2 server and client of ours must do with one another, whichever implementation is on which side.
 *
 * `http2Contract(name, sides)` defines the tests; the sides say how to serve a handler on a port and how to make a client for it.
 */
import assert from "node:assert/strict";
import type { Exchange, ExchangeHandler } from "../../src/wire/exchange.ts";
import type { ClientStream, HttpClient, RequestTemplate, ResponseSink } from "../../src/wire/http-client.ts";
import type { WireError } from "../../src/wire/wire-error.ts";
import { until } from "../support/until.ts";

export interface RunningServer {
  readonly port: number;
  /** Gracefully; settles when all connections are closed. */
  drain(graceMs: number): Promise<void>;
  /** At once. */
  close(): Promise<void>;
}

export interface Http2Sides {
  serve(handler: ExchangeHandler): Promise<RunningServer>;
  connect(port: number, options?: { maxPending?: number }): HttpClient;
}

const post: RequestTemplate = { method: "POST", scheme: "http", authority: "test.local", path: "/echo?x=1", headers: ["te", "trailers"] };
const get: RequestTemplate = { method: "GET", scheme: "http", authority: "test.local", path: "/", headers: [] };

/** A sink that keeps everything, and a promise of the end. */
export class Collected implements ResponseSink {
  status = 0;
  headers: readonly string[] = [];
  trailers: readonly string[] | undefined;
  readonly chunks: Uint8Array[] = [];
  error: WireError | undefined;
  ends = 0;
  stream: ClientStream | undefined;
  /** Give credit back at once; else the test does. */
  eager = true;

  onHead(status: number, headers: readonly string[]): void {
    this.status = status;
    this.headers = headers;
  }

  onData(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    if (this.eager) this.stream?.consumed(chunk.length);
  }

  onEnd(trailers: readonly string[] | undefined): void {
    this.trailers = trailers;
    this.ends++;
  }

  onError(error: WireError): void {
    this.error = error;
    this.ends++;
  }

  get body(): Buffer {
    return Buffer.concat(this.chunks);
  }

  async end(): Promise<this> {
    await until(() => this.ends > 0, "the end of the answer");
    return this;
  }
}

export function open(client: HttpClient, template: RequestTemplate, headers: readonly string[] = [], deadlineMs = Infinity): Collected {
  const sink = new Collected();
  sink.stream = client.open(template, headers, [], sink, deadlineMs);
  return sink;
}

function fieldOf(list: readonly string[] | undefined, name: string): string | undefined {
  const at = list?.findIndex((text, index) => index % 2 === 0 && text === name) ?? -1;
  return at < 0 ? undefined : list![at + 1];
}

async function readAll({ body }: Exchange): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Answers with the request's body. */
async function echo(exchange: Exchange): Promise<void> {
  const body = exchange.body.whole() ?? (await readAll(exchange));
  exchange.respond(200, ["x-method", exchange.head.method, "x-target", exchange.head.target], body, ["x-length", String(body.length)]);
}

export function http2Contract(name: string, sides: Http2Sides): void {
  describe(`HTTP/2, ${name}`, () => {
    let server: RunningServer;
    let client: HttpClient;
    let handler: (exchange: Exchange) => void | Promise<void>;
    const failures: unknown[] = [];

    beforeEach(async () => {
      handler = echo;
      failures.length = 0;
      server = await sides.serve((exchange) => {
        Promise.resolve()
          .then(() => handler(exchange))
          .catch((failure: unknown) => failures.push(failure));
      });
      client = sides.connect(server.port);
    });

    afterEach(async () => {
      await client.close();
      await server.close();
      assert.deepEqual(failures, []);
    });

    it("a request without a body", async () => {
      const answer = open(client, get);
      answer.stream!.end();
      await answer.end();
      assert.equal(answer.error, undefined);
      assert.equal(answer.status, 200);
      assert.equal(fieldOf(answer.headers, "x-method"), "GET");
      assert.equal(fieldOf(answer.headers, ":status"), undefined);
      assert.equal(answer.body.length, 0);
    });

    it("head fields arrive as sent, in order, without what belongs to the connection", async () => {
      let seen: Exchange | undefined;
      handler = (exchange) => {
        seen = exchange;
        exchange.respond(204, [], undefined);
      };
      const answer = open(client, post, ["x-a", "1", "x-b", "zwei ü", "x-a", "2", "cookie", "a=b", "authorization", "Bearer t"]);
      answer.stream!.end();
      await answer.end();
      assert.equal(answer.status, 204);
      const { head, peer } = seen!;
      assert.deepEqual(
        [head.version, head.method, head.target, head.scheme, head.authority],
        ["2", "POST", "/echo?x=1", "http", "test.local"],
      );
      assert.equal(head.acceptsTrailers, true);
      assert.equal(head.contentLength, -1);
      assert.deepEqual(head.headers.getAll("x-a"), ["1", "2"]);
      assert.equal(head.headers.get("x-b"), "zwei ü");
      assert.equal(head.headers.get("cookie"), "a=b");
      assert.equal(head.headers.get("authorization"), "Bearer t");
      assert.equal(head.headers.get("te"), undefined);
      assert.equal(peer.address, "127.0.0.1");
      assert.equal(peer.tls, undefined);
    });

    for (const size of [1, 5, 16_384, 16_385, 100_000, 3_000_000]) {
      it(`a body of ${size} bytes there and back, with trailers`, async () => {
        const sent = Buffer.alloc(size, "0123456789");
        const answer = open(client, post);
        answer.stream!.write(sent.subarray(1), true, sent.subarray(0, 1));
        await answer.end();
        assert.equal(answer.error, undefined);
        assert.ok(answer.body.equals(sent));
        assert.equal(fieldOf(answer.trailers, "x-length"), String(size));
      });
    }

    it("what was written may be overwritten at once", async () => {
      handler = async (exchange) => {
        const body = await readAll(exchange);
        const scratch = Buffer.from(body);
        exchange.start(200, []);
        exchange.write(scratch);
        scratch.fill(0);
        exchange.finish();
      };
      const answer = open(client, post);
      const scratch = Buffer.from("precious");
      answer.stream!.write(scratch, true);
      scratch.fill(0);
      await answer.end();
      assert.equal(answer.body.toString(), "precious");
    });

    it("many requests at once are not mixed up", async () => {
      const answers = Array.from({ length: 300 }, (_, i) => {
        const answer = open(client, post, ["x-number", String(i)]);
        answer.stream!.write(Buffer.from(`body ${i}`.repeat(i)), true);
        return answer;
      });
      for (const [i, answer] of answers.entries()) {
        await answer.end();
        assert.equal(answer.error, undefined);
        assert.equal(answer.body.toString(), `body ${i}`.repeat(i));
      }
      assert.equal(client.activeStreams + client.pendingStreams, 0);
    });

    it("a streamed answer comes as it is written", async () => {
      const release: (() => void)[] = [];
      handler = async (exchange) => {
        exchange.start(200, ["content-type", "text/plain"]);
        exchange.write(Buffer.from("one"));
        await new Promise<void>((resolve) => release.push(resolve));
        exchange.write(Buffer.from("two"), Buffer.from("<"));
        exchange.finish(["x-end", "yes"]);
      };
      const answer = open(client, get);
      answer.stream!.end();
      await until(() => answer.body.toString() === "one", "the first chunk");
      assert.equal(answer.ends, 0);
      release[0]!();
      await answer.end();
      assert.equal(answer.body.toString(), "one<two");
      assert.deepEqual(answer.trailers, ["x-end", "yes"]);
    });

    it("both directions at the same time", async () => {
      handler = async (exchange) => {
        exchange.start(200, []);
        for (let chunk = await exchange.body.read(); chunk !== undefined; chunk = await exchange.body.read()) exchange.write(chunk);
        exchange.finish();
      };
      const answer = open(client, post);
      for (const word of ["a", "bc", "def"]) {
        const before = answer.body.length;
        answer.stream!.write(Buffer.from(word), false);
        await until(() => answer.body.length === before + word.length, "the echo");
      }
      answer.stream!.end();
      await answer.end();
      assert.equal(answer.body.toString(), "abcdef");
    });

    it("a head alone can be the whole answer, with its fields", async () => {
      handler = (exchange) => exchange.respond(200, ["grpc-status", "5"], undefined);
      const answer = open(client, get);
      answer.stream!.end();
      await answer.end();
      assert.equal(fieldOf(answer.headers, "grpc-status"), "5");
      assert.equal(answer.trailers, undefined);
    });

    it("HEAD gets no body", async () => {
      handler = (exchange) => exchange.respond(200, [], Buffer.from("unseen"));
      const answer = open(client, { ...get, method: "HEAD" });
      answer.stream!.end();
      await answer.end();
      assert.equal(answer.body.length, 0);
    });

    it("a body nobody credits holds the sender up", async () => {
      let written = 0;
      const chunk = Buffer.alloc(16_384);
      handler = async (exchange) => {
        exchange.start(200, []);
        for (; written < 1000 && exchange.open; written++) if (!exchange.write(chunk)) await exchange.drained();
        exchange.finish();
      };
      const answer = open(client, get);
      answer.eager = false;
      answer.stream!.end();
      let last = -1;
      let looks = 0;
      await until(() => {
        looks = written > 0 && written === last ? looks + 1 : 0;
        last = written;
        return looks === 20;
      }, "the sender to stand still");
      assert.ok(written < 600, `${written} chunks of 16 KB were taken`);
      answer.eager = true;
      answer.stream!.consumed(answer.body.length);
      await answer.end();
      assert.equal(answer.body.length, 1000 * 16_384);
    });

    it("a request body nobody reads holds the client up", async () => {
      let exchange: Exchange | undefined;
      handler = (one) => {
        exchange = one;
      };
      const answer = open(client, post);
      const chunk = Buffer.alloc(65_536);
      let room = true;
      for (let i = 0; i < 200 && room; i++) {
        room = answer.stream!.write(chunk, false);
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(room, false);
      let drained = false;
      answer.stream!.onDrain = () => (drained = true);
      await until(() => exchange !== undefined, "the exchange");
      const body = readAll(exchange!);
      await until(() => drained, "room");
      answer.stream!.end();
      exchange!.respond(200, [], Buffer.from(String((await body).length % chunk.length)));
      await answer.end();
      assert.equal(answer.body.toString(), "0");
    });

    it("an answer before the end of the request ends the exchange", async () => {
      handler = (exchange) => {
        exchange.body.cancel();
        exchange.respond(413, [], Buffer.from("too much"));
      };
      const answer = open(client, post);
      answer.stream!.write(Buffer.alloc(100), false);
      await answer.end();
      assert.equal(answer.status, 413);
      assert.equal(answer.body.toString(), "too much");
    });

    it("a cancelled request is heard by the server, and the client hears nothing more", async () => {
      let reason: WireError | undefined;
      let exchange: Exchange | undefined;
      handler = (one) => {
        exchange = one;
        one.onAbort((error) => (reason = error));
        one.start(200, []);
        one.write(Buffer.from("x"));
      };
      const answer = open(client, post);
      await until(() => answer.chunks.length > 0, "a chunk");
      answer.stream!.cancel();
      await until(() => reason !== undefined, "the abort");
      assert.equal(exchange!.open, false);
      assert.equal(reason!.http2Code, 8);
      assert.equal(answer.ends, 0);
      let late: WireError | undefined;
      exchange!.onAbort((error) => (late = error));
      assert.equal(late, reason);
      await until(() => client.activeStreams === 0, "no active stream");
    });

    it("a body that is being read fails when the client leaves", async () => {
      let failure: unknown;
      let reading = false;
      handler = async (exchange) => {
        reading = true;
        await readAll(exchange).catch((error: unknown) => (failure = error));
      };
      const answer = open(client, post);
      answer.stream!.write(Buffer.from("x"), false);
      await until(() => reading, "the body to be read");
      answer.stream!.cancel();
      await until(() => failure !== undefined, "the failure");
      assert.equal((failure as WireError).name, "WireError");
    });

    it("an exchange broken off is an error with its code", async () => {
      handler = (exchange) => exchange.abort(2);
      const answer = open(client, get);
      answer.stream!.end();
      await answer.end();
      assert.equal(answer.error?.kind, "reset");
      assert.equal(answer.error?.http2Code, 2);
      assert.equal(answer.error?.unprocessed, false);
    });

    it("an answer broken off in the middle never looks whole", async () => {
      handler = async (exchange) => {
        exchange.start(200, []);
        exchange.write(Buffer.from("half"));
        await until(() => answer.chunks.length > 0, "the first half");
        exchange.abort(2);
      };
      const answer = open(client, get);
      answer.stream!.end();
      await answer.end();
      assert.equal(answer.error?.kind, "reset");
    });

    it("a refused stream is provably unprocessed", async () => {
      handler = (exchange) => exchange.abort(7);
      const answer = open(client, get);
      answer.stream!.end();
      await answer.end();
      assert.equal(answer.error?.kind, "refused");
      assert.equal(answer.error?.unprocessed, true);
    });

    it("a server that goes away fails what it had", async () => {
      handler = () => server.close();
      const answer = open(client, get);
      answer.stream!.end();
      await answer.end();
      assert.ok(answer.error);
    });

    it("nobody there: a connect error, unprocessed, once", async () => {
      await server.close();
      const answer = open(client, get);
      answer.stream!.end();
      await answer.end();
      assert.equal(answer.error?.kind, "connect");
      assert.equal(answer.error?.unprocessed, true);
      assert.equal(answer.ends, 1);
    });

    it("a closed client fails at the sink, not at the call", async () => {
      await client.close();
      assert.equal(client.state, "closed");
      const answer = open(client, get);
      assert.equal(answer.ends, 0);
      await answer.end();
      assert.equal(answer.error?.kind, "closed");
      assert.equal(answer.error?.unprocessed, true);
    });

    it("the server drains: what is under way ends well, then the connection closes", async () => {
      const release: (() => void)[] = [];
      handler = async (exchange) => {
        await new Promise<void>((resolve) => release.push(resolve));
        exchange.respond(200, [], Buffer.from("done"));
      };
      const answer = open(client, get);
      answer.stream!.end();
      await until(() => release.length === 1, "the request");
      const drained = server.drain(5000);
      release[0]!();
      await answer.end();
      assert.equal(answer.body.toString(), "done");
      await drained;
    });

    it("the client drains: what is under way ends well, nothing new is taken", async () => {
      const release: (() => void)[] = [];
      handler = async (exchange) => {
        await new Promise<void>((resolve) => release.push(resolve));
        exchange.respond(200, [], Buffer.from("done"));
      };
      const answer = open(client, get);
      answer.stream!.end();
      await until(() => release.length === 1, "the request");
      const drained = client.drain(5000);
      const late = open(client, get);
      await late.end();
      assert.equal(late.error?.unprocessed, true);
      release[0]!();
      await answer.end();
      assert.equal(answer.body.toString(), "done");
      await drained;
      assert.equal(client.state, "closed");
    });

    it("a drain has an end even when a stream has none", async () => {
      handler = () => undefined;
      const answer = open(client, get);
      answer.stream!.end();
      await until(() => client.activeStreams === 1, "an active stream");
      await client.drain(100);
      await answer.end();
      assert.ok(answer.error);
    });
  });
}
