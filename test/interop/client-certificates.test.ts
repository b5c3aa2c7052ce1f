/** Client certificates through a whole sidecar, over HTTP/1.1 and both HTTP/2 engines: who gets in, and who is told why not. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { request as requestHttps } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificate, certificateKey } from "../support/certificate.ts";
import { clientAuthority, clientCertificates, clientKey } from "../support/client-certificates.ts";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";

type Name = keyof typeof clientCertificates;

interface Answer {
  readonly status: number;
  readonly reason: string | undefined;
  readonly body: string;
}

const timeoutMs = 8000;
const path = "/v1/echo/hello";

describe("client certificates", () => {
  let backend: EchoServer;
  let folder: string;
  const hosts = new Map<string, RuntimeHost>();

  before(async () => {
    backend = await startEchoServer();
    folder = mkdtempSync(join(tmpdir(), "dragoman-mtls-"));
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const tls = { cert: file("cert.pem", certificate), key: file("key.pem", certificateKey), clientCa: file("ca.pem", clientAuthority) };
    const policies = {
      authenticate: { mtls: { trustDomains: ["mesh"] }, principalHeader: "x-principal" },
      authorize: { allow: ['principal == "spiffe://mesh/service/orders" && source.identity == principal'] },
    };
    for (const [name, clientCertificate, http2] of [
      ["optional", "optional", "own"],
      ["optional, node:http2", "optional", "node"],
      ["required", "required", "own"],
    ] as const)
      hosts.set(
        name,
        await startRuntime({
          "inbound.upstream": `grpc://127.0.0.1:${backend.port}`,
          "inbound.tls": { ...tls, clientCertificate },
          "inbound.http2": http2,
          "policies.authenticate": policies.authenticate,
          "policies.authorize": policies.authorize,
        }),
      );
  });
  after(async () => {
    for (const host of hosts.values()) await host.stop();
    await backend.stop();
    rmSync(folder, { recursive: true });
  });

  const portOf = (host: string): number => Number(/:(\d+)$/.exec(hosts.get(host)!.runtime.address)![1]);
  const clientOf = (name: Name | undefined): object => (name === undefined ? {} : { cert: clientCertificates[name], key: clientKey });

  const ways: readonly (readonly [string, string, (port: number, client: object) => Promise<Answer>])[] = [
    ["HTTP/1.1", "optional", overHttp1],
    ["HTTP/2", "optional", overHttp2],
    ["node:http2", "optional, node:http2", overHttp2],
  ];
  for (const [way, host, ask] of ways) {
    it(`${way}: the principal is the certificate's`, async () => {
      const answer = await ask(portOf(host), clientOf("spiffe"));
      assert.equal(answer.status, 200, answer.body);
      assert.deepEqual(backend.lastMetadata()!.get("x-principal"), ["spiffe://mesh/service/orders"]);
    });

    for (const [name, reason, why] of [
      [undefined, "MISSING_CREDENTIALS", /./],
      ["expired", "INVALID_CERTIFICATE", /it has expired/],
      ["early", "INVALID_CERTIFICATE", /not valid yet/],
      ["selfSigned", "INVALID_CERTIFICATE", /signed by itself/],
      ["stranger", "INVALID_CERTIFICATE", /authority is not trusted/],
      ["server", "INVALID_CERTIFICATE", /not made for clients/],
      ["authority", "INVALID_CERTIFICATE", /authority's|not made for clients|cannot be verified/],
      ["twoSpiffe", "INVALID_CERTIFICATE", /more than one/],
      ["elsewhere", "INVALID_CERTIFICATE", /trust domain/],
      ["dns", "INVALID_CERTIFICATE", /no SPIFFE id/],
    ] as const)
      it(`${way}: ${name ?? "none"} is refused`, async () => {
        const answer = await ask(portOf(host), clientOf(name));
        assert.equal(answer.status, 401, answer.body);
        assert.equal(answer.reason, reason);
        assert.match(answer.body, why);
      });
  }

  it("required: who shows none, or one of another authority, has no connection", async () => {
    assert.equal((await overHttp1(portOf("required"), clientOf("spiffe"))).status, 200);
    for (const name of [undefined, "expired", "stranger", "selfSigned"] as const) {
      await assert.rejects(() => overHttp1(portOf("required"), clientOf(name)));
      await assert.rejects(() => overHttp2(portOf("required"), clientOf(name)));
    }
  });
});

function overHttp1(port: number, client: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, rejectUnauthorized: false, agent: false, timeout: timeoutMs, ...client };
    const request = requestHttps(options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve(answerOf(response.statusCode!, body)));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on("error", reject).end();
  });
}

function overHttp2(port: number, client: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, ...client });
    session.on("error", reject);
    session.setTimeout(timeoutMs, () => session.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    const stream = session.request({ ":path": path });
    let status = 0;
    let body = "";
    stream.on("response", (headers) => (status = headers[":status"]!));
    stream.setEncoding("utf8").on("data", (text: string) => (body += text));
    stream.on("error", reject);
    stream.on("end", () => {
      session.close();
      if (status === 0) reject(new Error("the connection was closed"));
      else resolve(answerOf(status, body));
    });
  });
}

function answerOf(status: number, body: string): Answer {
  return { status, reason: /"reason":"(\w+)"/.exec(body)?.[1], body };
}
