/** A token in the query becomes a header, where that is switched on, and leaves the address. */
import assert from "node:assert/strict";
import { startEchoServer, type EchoServer } from "../../support/echo-server.ts";
import { audienceName, Issuer, issuerName } from "../../support/issuer.ts";
import { startRuntime, type RuntimeHost } from "../../support/runtime-host.ts";
import { openSocket } from "../../support/socket-client.ts";

describe("inbound.queryToken", () => {
  let backend: EchoServer;
  let host: RuntimeHost;
  let token: string;

  const start = (over: Readonly<Record<string, unknown>>): Promise<RuntimeHost> =>
    startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${backend.port}`, ...over });

  before(async () => {
    const issuer = await Issuer.create(() => Date.now());
    token = await issuer.token();
    backend = await startEchoServer();
    const jwt = { issuer: issuerName, audience: audienceName, jwks: issuer.keySet };
    host = await start({ "inbound.queryToken": "access_token", "policies.authenticate": { jwt } });
  });
  after(async () => {
    await host.stop();
    await backend.stop();
  });

  it("is taken out of a REST request's query, wherever it stands", async () => {
    for (const query of [
      `access_token=${token}`,
      `nested.number=7&access_token=${encodeURIComponent(token)}`,
      `access_token=${token}&count=1`,
    ])
      assert.equal((await host.get(`/v1/echo/hello?${query}`)).status, 200, query);
  });

  it("opens a WebSocket", async () => {
    const port = Number(/:(\d+)$/.exec(host.runtime.address)![1]);
    const client = await openSocket(port, `/dragoman.test.v1.Echo/Unary?access_token=${token}`);
    client.send('{"text":"hello"}');
    assert.equal((await client.closed).code, 1000);
  });

  for (const query of ["", "access_token=", "access_token=%ff", "access_token=a&access_token=b", "not_access_token=x"])
    it(`${JSON.stringify(query)} is no token`, async () => {
      const { status, reason } = await host.get(`/v1/echo/hello?${query}`);
      const known = query === "" || query.startsWith("access_token");
      assert.deepEqual([status, reason], known ? [401, query === "" ? "MISSING_CREDENTIALS" : "INVALID_TOKEN"] : [400, "UNKNOWN_FIELD"]);
    });

  it("beside a header is one token too many", async () => {
    const response = await fetch(`http://${host.runtime.address}/v1/echo/hello?access_token=${token}`, {
      headers: { authorization: `Bearer ${token}`, connection: "close" },
      signal: AbortSignal.timeout(8000),
    });
    assert.match(await response.text(), /there is more than one/);
    assert.equal(response.status, 401);
  });

  it("is a parameter like any other unless it is switched on", async () => {
    const without = await start({});
    try {
      assert.equal((await without.get(`/v1/echo/hello?access_token=${token}`)).reason, "UNKNOWN_FIELD");
    } finally {
      await without.stop();
    }
  });
});
