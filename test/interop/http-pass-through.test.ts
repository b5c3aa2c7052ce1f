/** Plain HTTP through the inbound port to a server of node's: by fetch, node:http, node:http2 and connect-node. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest, type ClientRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo } from "node:net";
import { createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { certificate, certificateKey } from "../support/certificate.ts";
import { echoService } from "../support/connect-client.ts";
import { startHttpServer, type HttpServer } from "../support/http-server.ts";
import { grpcClient } from "../support/own-clients.ts";
import { echoDescriptors, startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";

/** Says what it was sent. */
function mirror(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { method, url, headers } = request;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
  });
}

interface Mirrored {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function started(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly server: HttpServer; readonly host: RuntimeHost; readonly base: string; stop(): Promise<void> }> {
  const server = await startHttpServer(handle);
  const host = await startRuntime({ "inbound.upstream": server.url, "inbound.schema": "reflection", ...settings });
  return {
    server,
    host,
    base: `http://${host.runtime.address}`,
    async stop() {
      await host.stop();
      await server.stop();
    },
  };
}

type Hop = Awaited<ReturnType<typeof started>>;

function portOf({ host }: Hop): number {
  return Number(host.runtime.address.split(":")[1]);
}

/** Sends raw bytes and reads until `enough`. */
async function raw(hop: Hop, text: string, enough: (seen: string) => boolean): Promise<string> {
  const socket = connectTcp(portOf(hop), "127.0.0.1");
  let seen = "";
  socket.on("data", (chunk: Buffer) => (seen += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  socket.write(text, "latin1");
  await until(() => enough(seen) || socket.closed, "the answer").catch(() => undefined);
  socket.destroy();
  return seen;
}

function node(hop: Hop, options: object): ClientRequest {
  return httpRequest({ host: "127.0.0.1", port: portOf(hop), agent: false, ...options });
}

async function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return text;
}

function codesOf({ host }: Hop): string[] {
  const codes: string[] = [];
  for (const row of host.runtime.metrics.rows())
    for (const cell of row.codes()) if (cell.protocol === "http") codes.push(`${cell.method} ${cell.code}`);
  return codes.sort();
}

describe("plain HTTP", () => {
  let hop: Hop;

  before(async () => {
    hop = await started(mirror);
    await until(() => hop.host.runtime.readiness().ready, "the server to be reached");
  });
  after(() => hop.stop());

  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
    it(`passes ${method} with path, query, fields and body`, async () => {
      const target = "/a%2Fb/../c;x=1?q=%20&q=+&empty";
      const body = method === "GET" || method === "OPTIONS" ? undefined : "hi é";
      // Said here, because node leaves the length of a DELETE out and sends its body all the same.
      const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
      const headers = { "x-color": "blue", host: "shop.test:81", cookie: "a=1; b=2", ...length };
      const request = node(hop, { method, path: target, headers });
      request.end(body);
      const response = await answerTo(request);
      assert.equal(response.statusCode, 200);
      const seen = JSON.parse(await textOf(response)) as Mirrored;
      assert.equal(seen.method, method);
      assert.equal(seen.url, target);
      assert.equal(seen.body, body ?? "");
      assert.equal(seen.headers["x-color"], "blue");
      assert.equal(seen.headers["cookie"], "a=1; b=2");
      assert.equal(seen.headers["host"], "shop.test:81");
    });
  }

  it("tells the server of the caller, and keeps what belongs to the connection", async () => {
    const headers = {
      connection: "close, x-mine",
      "x-mine": "1",
      "keep-alive": "timeout=5",
      te: "trailers",
      "proxy-connection": "keep-alive",
      "proxy-authorization": "Basic eA==",
      "x-forwarded-for": "203.0.113.7",
      via: "1.0 edge",
    };
    const request = node(hop, { path: "/", headers });
    request.end();
    const { headers: seen } = JSON.parse(await textOf(await answerTo(request))) as Mirrored;
    assert.equal(seen["x-forwarded-for"], "203.0.113.7, 127.0.0.1");
    assert.equal(seen["x-forwarded-proto"], "http");
    assert.equal(seen["x-forwarded-host"], hop.host.runtime.address);
    assert.equal(seen["via"], "1.0 edge, 1.1 dragoman");
    assert.equal(seen["te"], "trailers");
    assert.match(seen["traceparent"]!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-9a-f]$/);
    for (const name of ["x-mine", "keep-alive", "proxy-connection", "proxy-authorization"]) assert.equal(seen[name], undefined, name);
  });

  it("is counted by HTTP method, and never by path", async () => {
    await fetch(`${hop.base}/some/path`).then((response) => response.text());
    await until(() => codesOf(hop).includes("http/GET OK"), "the call to be counted");
    assert.ok(
      codesOf(hop).every((code) => /^http\/\w+ OK$/.test(code)),
      codesOf(hop).join(),
    );
  });

  it("leaves health to the proxy, in every protocol", async () => {
    const response = await fetch(`${hop.base}/grpc.health.v1.Health/Check`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    assert.deepEqual(await response.json(), { status: "SERVING" });
    const client = grpcClient("grpc.health.v1.Health", hop.host.runtime.address) as unknown as grpc.Client & {
      check(request: object, callback: (error: Error | null, answer?: { status: string }) => void): void;
    };
    const status = await new Promise((resolve) => client.check({}, (error, answer) => resolve(error ?? answer?.status)));
    client.close();
    assert.equal(status, "SERVING");
  });

  it("does not take gRPC, and says so in gRPC", async () => {
    const client = new grpc.Client(hop.host.runtime.address, grpc.credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    const failure = await new Promise<grpc.ServiceError | null>((resolve) =>
      client.makeUnaryRequest("/a.B/C", same, same, Buffer.alloc(0), (error) => resolve(error)),
    );
    client.close();
    assert.equal(failure?.code, grpc.status.UNIMPLEMENTED);
  });

  for (const method of ["TRACE", "CONNECT"])
    it(`does not pass ${method} on`, async () => {
      const target = method === "CONNECT" ? "example.test:443" : "/";
      const seen = await raw(hop, `${method} ${target} HTTP/1.1\r\nhost: example.test:443\r\n\r\n`, (text) => text.includes("\r\n\r\n"));
      assert.match(seen, /^HTTP\/1\.1 4\d\d /);
      assert.ok(hop.server.seen.every((request) => request.method !== method));
    });

  it("answers pipelined requests in their order", async () => {
    const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
    const seen = await raw(
      hop,
      get("/1") + get("/2") + get("/3"),
      (text) => text.split("HTTP/1.1 200").length === 4 && text.includes('"/3"'),
    );
    assert.deepEqual(
      [...seen.matchAll(/"url":"\/(\d)"/g)].map((match) => match[1]),
      ["1", "2", "3"],
    );
  });

  const smuggled = [
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcde",
    "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: x\r\nx: a\nb: c\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: x\r\nx : a\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
  ];
  it("passes nothing on that two servers could read in two ways", async () => {
    const before = hop.server.seen.length;
    for (const text of smuggled) assert.match(await raw(hop, text, (seen) => seen.includes("\r\n\r\n")), /^HTTP\/1\.1 400 /, text);
    assert.equal(hop.server.seen.length, before);
  });
});

describe("plain HTTP answers", () => {
  let hop: Hop;
  const answers: Readonly<Record<string, (response: ServerResponse, request: IncomingMessage) => void>> = {
    "/404": (response) => response.writeHead(404, { "content-type": "text/html", "x-why": "gone" }).end("<h1>no</h1>"),
    "/500": (response) => response.writeHead(500).end("oops"),
    "/204": (response) => response.writeHead(204, { etag: '"1"' }).end(),
    "/304": (response) => response.writeHead(304, { etag: '"1"' }).end(),
    "/302": (response) => response.writeHead(302, { location: "/elsewhere", "set-cookie": ["a=1", "b=2"] }).end(),
    "/length": (response) => response.writeHead(200, { "content-length": "5" }).end("hello"),
    "/hop": (response) =>
      response
        .writeHead(200, { connection: "close, x-mine", "x-mine": "1", "keep-alive": "timeout=1", "proxy-authenticate": "Basic" })
        .end("x"),
    "/gzip": (response) => response.writeHead(200, { "content-encoding": "gzip" }).end(Buffer.from([1, 2, 3])),
    "/trailers": (response) => {
      response.writeHead(200, { trailer: "x-sum" });
      response.write("part");
      response.addTrailers({ "x-sum": "42" });
      response.end();
    },
    "/early-hints": (response) => {
      response.writeEarlyHints({ link: "</a.css>; rel=preload" });
      response.end("later");
    },
    "/broken": (response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("part");
      setImmediate(() => response.destroy());
    },
    "/broken-chunks": (response) => {
      response.write("part");
      setImmediate(() => response.destroy());
    },
    "/hangup": (response) => response.destroy(),
    "/early": (response) => response.writeHead(413).end("enough"),
    "/slow": () => undefined,
  };

  before(async () => {
    hop = await started((request, response) => answers[request.url!]!(response, request), { "limits.body": "64KiB" });
  });
  after(() => hop.stop());

  const get = async (path: string, options: object = {}): Promise<{ response: IncomingMessage; text: string }> => {
    const request = node(hop, { path, ...options });
    request.end();
    const response = await answerTo(request);
    return { response, text: await textOf(response) };
  };

  it("pass with status, fields and body, errors untouched", async () => {
    const missing = await get("/404");
    assert.deepEqual([missing.response.statusCode, missing.text], [404, "<h1>no</h1>"]);
    assert.equal(missing.response.headers["x-why"], "gone");
    assert.deepEqual([(await get("/500")).text], ["oops"]);
    const moved = await get("/302");
    assert.equal(moved.response.headers.location, "/elsewhere");
    assert.deepEqual(moved.response.headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal((await get("/gzip")).response.headers["content-encoding"], "gzip");
    await until(() => codesOf(hop).includes("http/GET NOT_FOUND"), "the 404 to be counted");
    assert.ok(codesOf(hop).includes("http/GET INTERNAL"));
  });

  it("keep their length, and have none where there is no body", async () => {
    const known = await get("/length");
    assert.equal(known.response.headers["content-length"], "5");
    assert.equal(known.response.headers["transfer-encoding"], undefined);
    assert.equal(known.text, "hello");
    for (const path of ["/204", "/304"]) {
      const { response, text } = await get(path);
      assert.deepEqual([response.headers["content-length"], response.headers.etag, text], [undefined, '"1"', ""]);
    }
  });

  it("to HEAD say the length of what does not follow", async () => {
    const { response, text } = await get("/length", { method: "HEAD" });
    assert.deepEqual([response.statusCode, response.headers["content-length"], text], [200, "5", ""]);
  });

  it("leave what belongs to the connection behind", async () => {
    const { response } = await get("/hop");
    for (const name of ["x-mine", "keep-alive", "proxy-authenticate"]) assert.equal(response.headers[name], undefined, name);
  });

  it("carry trailers to who takes them", async () => {
    const taken = await get("/trailers", { headers: { te: "trailers" } });
    assert.equal(taken.text, "part");
    assert.equal(taken.response.trailers["x-sum"], "42");
    const dropped = await get("/trailers");
    assert.deepEqual([dropped.text, dropped.response.trailers], ["part", {}]);
  });

  it("come after early hints, which stop here", async () => {
    assert.equal((await get("/early-hints")).text, "later");
  });

  for (const path of ["/broken", "/broken-chunks"]) {
    it(`that break off are seen to be broken: ${path}`, async () => {
      const request = node(hop, { path });
      request.end();
      const response = await answerTo(request);
      await assert.rejects(textOf(response));
      await until(() => codesOf(hop).includes("http/GET UNAVAILABLE"), "the failure to be counted");
    });
  }

  it("that never come are an error of ours, as an envelope", async () => {
    const { response, text } = await get("/hangup");
    assert.equal(response.statusCode, 503);
    assert.match(text, /"reason":"UPSTREAM_RESET"/);
  });

  it("that take longer than the caller waits end with 504", async () => {
    const { response, text } = await get("/slow", { headers: { "x-server-timeout": "1.5" } });
    assert.equal(response.statusCode, 504);
    assert.match(text, /DEADLINE_EXCEEDED/);
    const forwarded = hop.server.seen.findLast((each) => each.url === "/slow")!.headers["x-server-timeout"];
    assert.ok(Number(forwarded) > 0 && Number(forwarded) <= 1.5, String(forwarded));
    const odd = await get("/slow", { headers: { "x-server-timeout": "soon" } });
    assert.equal(odd.response.statusCode, 400);
  });

  it("may come before the request has ended", async () => {
    const request = node(hop, { method: "POST", path: "/early", headers: { "transfer-encoding": "chunked" } });
    request.on("error", () => undefined);
    request.write("first");
    const response = await answerTo(request);
    assert.deepEqual([response.statusCode, await textOf(response)], [413, "enough"]);
    request.destroy();
  });

  it("say 413 to a body over the limit, whether its length was said or not", async () => {
    for (const headers of [{ "content-length": "70000" }, { "transfer-encoding": "chunked" }]) {
      const request = node(hop, { method: "POST", path: "/slow", headers });
      request.on("error", () => undefined);
      request.end(Buffer.alloc(70_000));
      assert.equal((await answerTo(request)).statusCode, 413, JSON.stringify(headers));
    }
  });

  it("of a server that is not there are 503", async () => {
    const away = await started(mirror);
    await away.server.stop();
    const response = await fetch(`${away.base}/`);
    assert.equal(response.status, 503);
    assert.match(await response.text(), /UPSTREAM_UNREACHABLE/);
    await away.stop().catch(() => undefined);
  });

  it("that are no HTTP are 502", async () => {
    const server = createTcpServer((socket) => socket.on("error", () => undefined).end("SSH-2.0-OpenSSH_9.6\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const host = await startRuntime({
      "inbound.upstream": `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      "inbound.schema": "none",
    });
    const response = await fetch(`http://${host.runtime.address}/`);
    assert.equal(response.status, 502);
    assert.match(await response.text(), /UPSTREAM_PROTOCOL/);
    await host.stop();
    server.close();
  });
});

describe("plain HTTP over HTTP/2, and to https://", () => {
  it("keeps lengths, trailers and the silence of HEAD", async () => {
    const hop = await started((request, response) => {
      if (request.url === "/trailers") {
        response.writeHead(200, { trailer: "x-sum" });
        response.write("part");
        response.addTrailers({ "x-sum": "42" });
        response.end();
      } else response.writeHead(200, { "content-length": "5" }).end("hello");
    });
    const session = connectHttp2(hop.base);
    const ask = async (path: string, method = "GET"): Promise<{ length: unknown; text: string; sum: unknown }> => {
      const stream = session.request({ ":path": path, ":method": method, te: "trailers" });
      const answered = once(stream, "response") as Promise<[Record<string, unknown>]>;
      let sum: unknown;
      stream.on("trailers", (trailers) => (sum = trailers["x-sum"]));
      stream.end();
      const [headers] = await answered;
      let text = "";
      for await (const chunk of stream) text += String(chunk);
      return { length: headers["content-length"], text, sum };
    };
    try {
      assert.deepEqual(await ask("/"), { length: "5", text: "hello", sum: undefined });
      assert.deepEqual(await ask("/", "HEAD"), { length: "5", text: "", sum: undefined });
      assert.deepEqual(await ask("/trailers"), { length: undefined, text: "part", sum: "42" });
    } finally {
      session.close();
      await hop.stop();
    }
  });

  it("reaches a server over TLS, and checks its certificate", async () => {
    const server = createHttpsServer({ cert: certificate, key: certificateKey }, mirror);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const folder = mkdtempSync(join(tmpdir(), "dragoman-https-"));
    const ca = join(folder, "ca.pem");
    writeFileSync(ca, certificate);
    const upstream = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const trusting = await startRuntime({ "inbound.upstream": upstream, "inbound.schema": "none", "inbound.upstreamTls": { ca } });
    const doubting = await startRuntime({ "inbound.upstream": upstream, "inbound.schema": "none" });
    try {
      const seen = (await (await fetch(`http://${trusting.runtime.address}/over/tls`)).json()) as Mirrored;
      assert.equal(seen.url, "/over/tls");
      assert.equal((await fetch(`http://${doubting.runtime.address}/`)).status, 503);
    } finally {
      await trusting.stop();
      await doubting.stop();
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true });
    }
  });

  it("takes a body only after it has said 100 Continue to who waits for it", async () => {
    const hop = await started(mirror);
    try {
      const request = node(hop, { method: "POST", path: "/", headers: { expect: "100-continue", "content-length": 5 } });
      request.flushHeaders();
      await once(request, "continue");
      request.end("hello");
      assert.equal((JSON.parse(await textOf(await answerTo(request))) as Mirrored).body, "hello");
    } finally {
      await hop.stop();
    }
  });
});

describe("plain HTTP streams", () => {
  let hop: Hop;
  let written = 0;
  let closed = 0;

  before(async () => {
    hop = await started(
      (request, response) => {
        response.on("close", () => closed++);
        if (request.url === "/endless") {
          const more = (): void => {
            while (!response.destroyed) {
              written += 65_536;
              if (!response.write(Buffer.alloc(65_536))) return void response.once("drain", more);
            }
          };
          more();
        } else if (request.url === "/ignore") request.pause();
        else {
          response.writeHead(200, { "content-type": "application/octet-stream" });
          response.flushHeaders();
          request.on("data", (chunk: Buffer) => response.write(chunk));
          request.on("end", () => response.end());
        }
      },
      { "limits.body": "1GiB" },
    );
  });
  after(() => hop.stop());

  it("flow both ways at once, over HTTP/1.1", async () => {
    const request = node(hop, { method: "POST", path: "/echo", headers: { "transfer-encoding": "chunked" } });
    request.write("one");
    const response = await answerTo(request);
    const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    assert.equal(String((await chunks.next()).value), "one");
    for (const text of ["two", "three"]) {
      request.write(text);
      assert.equal(String((await chunks.next()).value), text);
    }
    request.end();
    assert.equal((await chunks.next()).done, true);
  });

  it("flow both ways at once, over HTTP/2", async () => {
    const session: ClientHttp2Session = connectHttp2(hop.base);
    const stream = session.request({ ":method": "POST", ":path": "/echo" });
    const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (const text of ["one", "two", "three"]) {
      stream.write(text);
      assert.equal(String((await chunks.next()).value), text);
    }
    stream.end();
    assert.equal((await chunks.next()).done, true);
    session.close();
  });

  it("stop at the server when the caller does not read", async () => {
    written = 0;
    const socket = connectTcp(portOf(hop), "127.0.0.1");
    socket.pause();
    socket.write("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n");
    let last = -1;
    await until(() => written > 0, "the server to begin");
    // It has stopped when nothing was written between two looks, a few turns apart.
    for (let calm = 0; calm < 20; calm = written === last ? calm + 1 : 0) {
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.ok(written < 64 << 20, "nothing holds the server back");
    }
    const before = closed;
    socket.destroy();
    await until(() => closed > before, "the server to hear that the caller left");
  });

  it("stop at the caller when the server does not read", async () => {
    const socket = connectTcp(portOf(hop), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write("POST /ignore HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n");
    let sent = 0;
    let blocked = false;
    const chunk = Buffer.alloc(65_536);
    const more = (): void => {
      blocked = false;
      while (sent < 128 << 20) {
        sent += chunk.length;
        if (!socket.write(chunk)) {
          blocked = true;
          socket.once("drain", more);
          return;
        }
      }
    };
    more();
    let last = -1;
    for (let calm = 0; calm < 20; calm = sent === last ? calm + 1 : 0) {
      last = sent;
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.ok(sent < 128 << 20, "nothing holds the caller back");
    }
    assert.ok(blocked);
    socket.destroy();
  });

  it("of 8 MB arrive whole", async () => {
    const body = Buffer.alloc(8 << 20, "0123456789abcdef");
    const response = await fetch(`${hop.base}/echo`, { method: "POST", body });
    const back = Buffer.from(await response.arrayBuffer());
    assert.ok(back.equals(body));
  });
});

describe("plain HTTP beside a schema", () => {
  it("is what no rule describes; the rest is transcoded", async () => {
    const hop = await started(mirror, { "inbound.schema": { descriptors: echoDescriptors } });
    try {
      const described = await fetch(`${hop.base}/dragoman.test.v1.Echo/Unary`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"text":"hi"}',
      });
      await described.text();
      const { url } = hop.server.seen[0]!;
      assert.equal(url, "/v1/echo/hi");
      const other = (await (await fetch(`${hop.base}/v2/echo`)).json()) as Mirrored;
      assert.equal(other.url, "/v2/echo");
    } finally {
      await hop.stop();
    }
  });

  it("carries Connect and gRPC-Web to a backend that speaks them, when there is no schema", async () => {
    const adapter = connectNodeAdapter({
      routes: (router) => router.service(echoService() as never, { unary: (request: { text: string }) => ({ text: `${request.text}!` }) }),
    });
    const hop = await started(adapter);
    try {
      for (const make of [createConnectTransport, createGrpcWebTransport]) {
        const client = createClient(echoService(), make({ baseUrl: hop.base, httpVersion: "1.1" })) as unknown as {
          unary(request: object): Promise<{ text: string }>;
        };
        assert.equal((await client.unary({ text: "hi" })).text, "hi!");
      }
    } finally {
      await hop.stop();
    }
  });

  it("shows the server's own host where that is wanted", async () => {
    const hop = await started(mirror, { "inbound.upstreamHost": "upstream" });
    try {
      const seen = (await (await fetch(`${hop.base}/`)).json()) as Mirrored;
      assert.equal(seen.headers["host"], `127.0.0.1:${hop.server.port}`);
      assert.equal(seen.headers["x-forwarded-host"], hop.host.runtime.address);
    } finally {
      await hop.stop();
    }
  });

  it("is marked for pages like everything else", async () => {
    const hop = await started(mirror, { "inbound.cors": { origins: ["https://a.test"] } });
    try {
      const response = await fetch(`${hop.base}/x`, { headers: { origin: "https://a.test" } });
      assert.equal(response.headers.get("access-control-allow-origin"), "https://a.test");
    } finally {
      await hop.stop();
    }
  });
});
