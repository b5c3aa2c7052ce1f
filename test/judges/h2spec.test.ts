/** h2spec, the conformance suite for HTTP/2 servers, in strict mode against the server role: in clear text and over TLS. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { systemClock } from "../../src/core/clock.ts";
import { ByteChannel } from "../../src/wire/byte-channel.ts";
import type { Exchange } from "../../src/wire/exchange.ts";
import { serveHttp2 } from "../../src/wire/http2/serve-http2.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { certificate, certificateKey } from "../support/certificate.ts";
import { CallError } from "../../src/core/call-error.ts";
import { startHop } from "../support/hop.ts";
import { outside } from "../support/outside.ts";

async function answer(exchange: Exchange): Promise<void> {
  const { body } = exchange;
  try {
    while ((await body.read()) !== undefined);
  } catch {
    return; // the client broke off, as half of the cases do
  }
  exchange.respond(200, ["content-type", "text/plain"], Buffer.from("hello\n"));
}

function serve(socket: Socket, scheme: "http" | "https"): void {
  const handler = (exchange: Exchange): void => void answer(exchange);
  serveHttp2(ByteChannel.accepted(socket), new Uint8Array(0), { limits: defaultLimits, handler, clock: systemClock, scheme });
}

async function judgeServer(program: string, server: Server, ...flags: string[]): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await judge(program, (server.address() as AddressInfo).port, ...flags);
  } finally {
    server.close();
  }
}

/** Fails unless every case passes, none skipped. */
async function judge(program: string, port: number, ...flags: string[]): Promise<void> {
  const run = spawn(program, ["-h", "127.0.0.1", "-p", String(port), "--strict", "-o", "2", ...flags]);
  let report = "";
  run.stdout.on("data", (text: Buffer) => (report += text.toString()));
  run.stderr.on("data", (text: Buffer) => (report += text.toString()));
  const [code] = (await once(run, "close")) as [number];
  const tally = /(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed/.exec(report);
  assert.ok(tally !== null && code === 0 && tally[4] === "0" && tally[3] === "0", report.slice(report.indexOf("Failures:")));
}

describe("judge: h2spec, strict", () => {
  it("in clear text", async function () {
    const program = outside(this, "h2spec");
    this.timeout(60_000);
    await judgeServer(
      program,
      createServer({ allowHalfOpen: true, noDelay: true }, (socket) => serve(socket, "http")),
    );
  });

  it("over TLS", async function () {
    const program = outside(this, "h2spec");
    this.timeout(60_000);
    const options = { cert: certificate, key: certificateKey, ALPNProtocols: ["h2"], allowHalfOpen: true, noDelay: true };
    const server = createTlsServer(options, (socket) => serve(socket, "https"));
    server.on("tlsClientError", () => undefined);
    await judgeServer(program, server, "-t", "-k");
  });

  for (const [what, tls, flags] of [
    ["in clear text", undefined, []],
    ["over TLS", { cert: certificate, key: certificateKey }, ["-t", "-k"]],
  ] as const)
    it(`${what}, through a listener with every protocol on it`, async function () {
      const program = outside(this, "h2spec");
      this.timeout(60_000);
      const hop = await startHop({
        handler: () => Promise.reject(new CallError("UPSTREAM_UNREACHABLE")),
        ...(tls === undefined ? {} : { tls }),
      });
      try {
        await judge(program, hop.port, ...flags);
      } finally {
        await hop.stop();
      }
    });
});
