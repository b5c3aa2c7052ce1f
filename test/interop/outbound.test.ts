/** Calls that go out: a service calls another by name through its sidecar, in any protocol, and the other's sidecars take them. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { Code } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { connectClient } from "../support/connect-client.ts";
import { loadEcho, startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { configOf, startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { talk } from "../support/raw-http1.ts";

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A GET or POST to the listener as a proxy would see it: `path` may be an absolute URL. */
function ask(port: number, path: string, fields: Readonly<Record<string, string>> = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { connection: "close", ...fields };
    const sent = request({ host: "127.0.0.1", port, path, headers, method: body === undefined ? "GET" : "POST" }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString() }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(":") + 1));
const list = '{"text":"hi"}';

describe("calls that go out", () => {
  let backend: EchoServer;
  let others: RuntimeHost[];
  let here: RuntimeHost;
  let port: number;

  before(async () => {
    backend = await startEchoServer();
    others = await Promise.all([1, 2, 3].map(() => startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${backend.port}` })));
    here = await startRuntime({
      "inbound.upstream": `grpc://127.0.0.1:${backend.port}`,
      outbound: {
        listen: "127.0.0.1:0",
        services: {
          echoes: { endpoints: others.map(({ runtime }) => runtime.address) },
          "echo-server": { protocol: "grpc", endpoints: [`127.0.0.1:${backend.port}`] },
          named: { dns: `localhost:${portOf(others[0]!.runtime.address)}` },
          nobody: { endpoints: ["127.0.0.1:1"] },
        },
      },
    });
    port = portOf(here.runtime.outboundAddress!);
  });
  after(async () => {
    await here.stop();
    await Promise.all(others.map((other) => other.stop()));
    await backend.stop();
  });

  const unary = (authority: string, metadata = new grpc.Metadata()): Promise<string> => {
    const client = new (loadEcho())(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { "grpc.default_authority": authority });
    return new Promise<string>((resolve, reject) => {
      const done = (error: grpc.ServiceError | null, answer?: { text: string }): void =>
        error === null ? resolve(answer!.text) : reject(error);
      client["Unary"]!({ text: "hi" }, metadata, { deadline: Date.now() + 8000 }, done);
    }).finally(() => client.close());
  };

  it("by gRPC, to a service of three sidecars, all of which get some", async () => {
    for (let n = 0; n < 30; n++) assert.equal(await unary("echoes"), "hi");
    for (const { runtime } of others) assert.ok(runtime.listenerStats().http2 > 0);
  });

  it("by gRPC, to servers without a sidecar", async () => assert.equal(await unary("echo-server:80"), "hi"));

  it("by gRPC, to a name that is resolved", async () => assert.equal(await unary("named"), "hi"));

  for (const kind of ["connect", "connect-json", "grpc-web"] as const)
    it(`by ${kind}, which the other sidecar translates`, async () => {
      const { client, close } = connectClient(kind, port);
      const call = (service: string): Promise<{ text: string }> =>
        (client as unknown as Record<string, (...args: unknown[]) => Promise<{ text: string }>>)["unary"]!(
          { text: "hi" },
          { headers: { "dragoman-service": service } },
        );
      assert.equal((await call("echoes")).text, "hi");
      await assert.rejects(call("elsewhere"), { code: Code.Unavailable, rawMessage: 'no service "elsewhere" is known here' });
      close();
    });

  it("by REST, to a host, a host of the mesh, and one with a port", async () => {
    for (const host of ["echoes", "ECHOES:8080", "echoes.mesh"]) {
      const { status, body } = await ask(port, "/dragoman.test.v1.Echo/Unary", { host, "content-type": "application/json" }, list);
      assert.deepEqual([status, (JSON.parse(body) as { text: string }).text], [200, "hi"], host);
    }
  });

  it("by the URL of a proxy request", async () => {
    const url = "http://echoes/dragoman.test.v1.Echo/Unary";
    const { status } = await ask(port, url, { host: "other", "content-type": "application/json" }, list);
    assert.equal(status, 200);
  });

  it("by the header dragoman-service, whatever the host", async () => {
    const fields = { host: `127.0.0.1:${port}`, "dragoman-service": "echoes", "content-type": "application/json" };
    assert.equal((await ask(port, "/dragoman.test.v1.Echo/Unary", fields, list)).status, 200);
  });

  it("fail with 503 and a reason where the service is not known, and name the nearest", async () => {
    const { status, body } = await ask(port, "/v1/x", { host: "echos" });
    assert.equal(status, 503);
    assert.match(body, /no service \\"echos\\" is known here \(did you mean echoes\?\)/);
    assert.match(body, /"reason":"UNKNOWN_TARGET"/);
    await assert.rejects(unary("elsewhere"), { code: grpc.status.UNAVAILABLE, details: 'no service "elsewhere" is known here' });
    const none = await talk(port, "GET / HTTP/1.0\r\n\r\n");
    assert.match(none.toString(), /^HTTP\/1\.1 503 /);
    assert.match(none.toString(), /the call names no service/);
  });

  it("fail as UNAVAILABLE where no endpoint can be reached", async () => {
    await assert.rejects(unary("nobody"), { code: grpc.status.UNAVAILABLE });
    assert.equal((await ask(port, "/x", { host: "nobody" })).status, 503);
  });

  it("go on while an endpoint leaves, and the service keeps its connections over a reload", async () => {
    const settings = (endpoints: readonly string[], listen = "127.0.0.1:0") => ({
      "inbound.upstream": `grpc://127.0.0.1:${backend.port}`,
      outbound: { listen, services: { echoes: { endpoints } } },
    });
    const addresses = others.map(({ runtime }) => runtime.address);
    await here.runtime.reload(await configOf(settings(addresses.slice(1))));
    for (let n = 0; n < 10; n++) assert.equal(await unary("echoes"), "hi");
    const accepted = others[2]!.runtime.listenerStats().accepted;
    await here.runtime.reload(await configOf({ ...settings(addresses.slice(1)), "policies.timeout": { total: "9s" } }));
    for (let n = 0; n < 10; n++) assert.equal(await unary("echoes"), "hi");
    assert.equal(others[2]!.runtime.listenerStats().accepted, accepted);
    await assert.rejects(unary("echo-server"), { code: grpc.status.UNAVAILABLE });
    const before = here.runtime.outboundAddress;
    await here.runtime.reload(await configOf(settings(addresses, "localhost:0")));
    assert.notEqual(here.runtime.outboundAddress, before);
    port = portOf(here.runtime.outboundAddress!);
    for (let n = 0; n < 200 && others[0]!.runtime.listenerStats().connections === 0; n++) assert.equal(await unary("echoes"), "hi");
    assert.ok(others[0]!.runtime.listenerStats().connections > 0, "the endpoint that came back gets its part");
  });
});
