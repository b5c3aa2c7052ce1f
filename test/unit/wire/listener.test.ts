/** One port for everything: what tells the protocols apart, TLS and ALPN, bounds, errors and the end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import * as http2 from "node:http2";
import * as https from "node:https";
import { connect as connectTls } from "node:tls";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { ExchangeHandler } from "../../../src/wire/exchange.ts";
import { certificate, certificateKey } from "../../support/certificate.ts";
import { outside } from "../../support/outside.ts";
import { answers, hostHttp1, open, readAll, statuses, talk, until, within, type Http1Host } from "../../support/raw-http1.ts";

const tls = { cert: certificate, key: certificateKey };
const describeRequest: ExchangeHandler = (x) =>
  void readAll(x).then((body) => {
    const { version, method, target, scheme } = x.head;
    x.respond(200, ["content-type", "text/plain"], Buffer.from(`${version} ${scheme} ${method} ${target} ${body.length}`));
  });
const run = promisify(execFile);

async function http2Get(authority: string, options: http2.SecureClientSessionOptions = {}): Promise<string> {
  const session = http2.connect(authority, options);
  const stream = session.request({ ":path": "/x" });
  let body = "";
  for await (const chunk of stream) body += String(chunk);
  session.close();
  return body;
}

describe("the listener", () => {
  const hosts: Http1Host[] = [];
  const host: typeof hostHttp1 = async (...options) => {
    const one = await hostHttp1(...options);
    hosts.push(one);
    return one;
  };
  afterEach(() => Promise.all(hosts.splice(0).map(({ listener }) => listener.close())));

  for (const engine of ["own", "node"] as const)
    describe(`with http2: ${engine}`, () => {
      it("serves HTTP/1.1 and HTTP/2 on one clear port", async () => {
        const { port, listener } = await host(describeRequest, {}, { http2: engine });
        assert.equal(answers(await talk(port, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))[0]!.body, "1.1 http GET /x 0");
        assert.equal(await http2Get(`http://127.0.0.1:${port}`), "2 http GET /x 0");
        await until(() => listener.stats().connections === 0, "both are gone");
        assert.deepEqual(listener.stats(), { connections: 0, http1: 0, http2: 0, accepted: 2, refused: 0 });
      });

      it("serves both under TLS, by ALPN", async () => {
        const { port } = await host(describeRequest, {}, { http2: engine, tls });
        assert.equal(await http2Get(`https://localhost:${port}`, { ca: certificate }), "2 https GET /x 0");
        const request = https.request({ port, host: "localhost", path: "/y", method: "POST", ca: certificate, agent: false });
        const body = Buffer.alloc(300_000);
        request.end(body);
        const [response] = (await once(request, "response")) as [NodeJS.ReadableStream];
        let text = "";
        for await (const chunk of response) text += String(chunk);
        assert.equal(text, "1.1 https POST /y 300000");
      });

      it("drains both", async () => {
        const { port, listener } = await host(
          (x) => void setTimeout(() => x.respond(200, [], Buffer.from("late")), 60),
          {},
          { http2: engine },
        );
        const session = http2.connect(`http://127.0.0.1:${port}`);
        const stream = session.request({ ":path": "/" });
        const one = await open(port);
        one.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        const headers = once(stream, "response");
        await until(() => listener.stats().http1 === 1 && listener.stats().http2 === 1, "both are under way");
        await new Promise((resolve) => setTimeout(resolve, 10));
        const drained = listener.drain(3000);
        const ended = once(one.socket, "end");
        await headers;
        stream.resume();
        await within(2000, ended, () => "HTTP/1.1 does not end");
        one.socket.end();
        assert.deepEqual(
          answers(one.data()).map(({ body, headers: fields }) => [body, fields.get("connection")]),
          [["late", "close"]],
        );
        await within(2500, drained, () => "drain does not end");
        session.close();
      });
    });

  it("takes a preface that comes byte by byte, and what only begins like one", async () => {
    const { port } = await host(describeRequest);
    const { socket, data } = await open(port);
    for (const byte of "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0") {
      socket.write(byte, "latin1");
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => data().length >= 9, "our SETTINGS");
    assert.equal(data().charCodeAt(3), 4);
    socket.destroy();
    for (const begin of ["P", "PR", "PRI", "PRI * HTTP/2.0\r\n\r\nS"])
      assert.deepEqual(statuses(await talk(port, begin, " / HTTP/1.1\r\nHost: a\r\n\r\n")), [400]);
    const rest = "OST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert.equal(answers(await talk(port, "P", rest))[0]!.body, "1.1 http POST / 0");
  });

  it("speaks HTTP/1.1 where no ALPN is offered, and nothing where another protocol is", async () => {
    const { port } = await host(describeRequest, {}, { tls });
    const socket = connectTls({ port, host: "127.0.0.1", ca: certificate, servername: "localhost" });
    socket.write("GET /z HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    assert.equal(answers(text)[0]!.body, "1.1 https GET /z 0");
    const other = connectTls({ port, host: "127.0.0.1", ca: certificate, servername: "localhost", ALPNProtocols: ["spdy/3"] });
    const [error] = (await once(other, "error")) as [Error];
    assert.match(error.message, /application protocol/);
  });

  it("refuses TLS 1.1", async () => {
    const { port } = await host(describeRequest, {}, { tls });
    const socket = connectTls({
      port,
      host: "127.0.0.1",
      ca: certificate,
      servername: "localhost",
      minVersion: "TLSv1.1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    await once(socket, "error");
  });

  it("asks for client certificates where an authority is given", async () => {
    const { port } = await host(describeRequest, {}, { tls: { ...tls, clientCa: certificate } });
    assert.equal(await http2Get(`https://localhost:${port}`, { ca: certificate, ...tls }), "2 https GET /x 0");
    await assert.rejects(http2Get(`https://localhost:${port}`, { ca: certificate }));
  });

  it("takes a new certificate for new connections", async () => {
    const { port, listener } = await host(describeRequest, {}, { tls });
    assert.throws(() => listener.setTls({ cert: "", key: "nonsense" }));
    listener.setTls(tls);
    assert.equal(await http2Get(`https://localhost:${port}`, { ca: certificate }), "2 https GET /x 0");
    const clear = await host(describeRequest);
    assert.throws(() => clear.listener.setTls(tls), /does not speak TLS/);
  });

  it("closes what does not finish its handshake, on time and on drain", async () => {
    const slow = await host(describeRequest, { headTimeoutMs: 60 }, { tls });
    assert.equal(await talk(slow.port), "");
    const { port, listener } = await host(describeRequest, {}, { tls });
    const { socket } = await open(port);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await within(2000, listener.drain(50), () => "drain does not end");
    socket.destroy();
  });

  it("bounds its connections", async () => {
    const { port, listener } = await host(describeRequest, {}, { maxConnections: 2 });
    const kept = [await open(port), await open(port)];
    await until(() => listener.stats().connections === 2, "two");
    assert.equal(await talk(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "");
    assert.equal(listener.stats().refused, 1);
    for (const { socket } of kept) socket.destroy();
  });

  it("says what is wrong when it cannot listen", async () => {
    const { port } = await host(describeRequest);
    await assert.rejects(hostHttp1(describeRequest, {}, { port }), { message: `cannot listen on 127.0.0.1:${port}: the port is in use` });
    await assert.rejects(hostHttp1(describeRequest, {}, { host: "192.0.2.1" }), {
      message: "cannot listen on 192.0.2.1:0: this machine has no such address",
    });
    await assert.rejects(
      hostHttp1(describeRequest, {}, { host: "no.such.host.invalid" }),
      /cannot listen on no\.such\.host\.invalid:0: the host name/,
    );
  });

  it("closes at once, whatever is under way", async () => {
    const { port, listener } = await host(() => undefined);
    const { socket } = await open(port);
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const gone = once(socket, "close");
    await until(() => listener.stats().http1 === 1, "the request");
    await listener.close();
    socket.end();
    await gone;
    await listener.close();
  });

  it("curl: HTTP/1.1, HTTP/2, uploads with and without a length", async function () {
    const curl = outside(this, "curl");
    const { port } = await host(describeRequest);
    const url = `http://127.0.0.1:${port}/c`;
    const said = async (...options: string[]): Promise<string> => (await run(curl, ["-sS", ...options, url])).stdout;
    assert.equal(await said(), "1.1 http GET /c 0");
    assert.equal(await said("--http1.0"), "1.0 http GET /c 0");
    assert.equal(await said("--http2"), "1.1 http GET /c 0"); // asks for h2c, which is not offered
    assert.equal(await said("--http2-prior-knowledge"), "2 http GET /c 0");
    assert.equal(await said("-d", "x".repeat(5000)), "1.1 http POST /c 5000");
    assert.equal(await said("-H", "Transfer-Encoding: chunked", "-d", "abc"), "1.1 http POST /c 3");
    assert.equal(await said("-H", "Expect: 100-continue", "-d", "x".repeat(100_000)), "1.1 http POST /c 100000");
    assert.match(await said("-I"), /content-length: 18\r\n/);
  });
});
