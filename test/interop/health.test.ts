/** grpc.health.v1 on the inbound port, judged by grpc-js, connect-node, grpcurl's check and plain HTTP. */
import assert from "node:assert/strict";
import { Code, type ConnectError } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { grpcClient, webClient, webProtocols } from "../support/own-clients.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";

const service = "grpc.health.v1.Health";
const echo = "dragoman.test.v1.Echo";

interface HealthClient extends grpc.Client {
  check(request: object, callback: (error: grpc.ServiceError | null, answer: { status: string }) => void): void;
  list(
    request: object,
    callback: (error: grpc.ServiceError | null, answer: { statuses: Record<string, { status: string }> }) => void,
  ): void;
  watch(request: object): grpc.ClientReadableStream<{ status: string }>;
}

function clientAt(address: string): HealthClient {
  return grpcClient(service, address) as unknown as HealthClient;
}

function check(client: HealthClient, name?: string): Promise<string> {
  return new Promise((resolve, reject) =>
    client.check({ service: name }, (error, answer) => (error === null ? resolve(answer.status) : reject(error))),
  );
}

describe("health", () => {
  let backend: EchoServer;
  let host: RuntimeHost;
  let client: HealthClient;

  before(async () => {
    backend = await startEchoServer();
    host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${backend.port}` });
    client = clientAt(host.runtime.address);
    await until(() => host.runtime.readiness().ready, "the upstream to be reached");
  });
  after(async () => {
    client.close();
    await host.stop();
    await backend.stop();
  });

  describe("Check", () => {
    it("says SERVING for the whole and for each service of the schema", async () => {
      assert.equal(await check(client), "SERVING");
      assert.equal(await check(client, echo), "SERVING");
    });

    it("says NOT_FOUND for a service that the schema does not have", async () => {
      for (const name of ["dragoman.test.v1.Nope", "nope", "Echo", `${echo}.`, "\u{1f600}"])
        await assert.rejects(check(client, name), { code: grpc.status.NOT_FOUND });
    });

    it("counts as a call of its own method", async () => {
      await check(client);
      const rows = [...host.runtime.metrics.rows()].map(({ protocol, method }) => `${protocol} ${method}`);
      assert.ok(rows.includes(`grpc ${service}/Check`), rows.join());
    });
  });

  it("List names the schema's services and the whole", async () => {
    const answer = await new Promise<{ statuses: Record<string, { status: string }> }>((resolve, reject) =>
      client.list({}, (error, value) => (error === null ? resolve(value) : reject(error))),
    );
    assert.deepEqual(answer.statuses, { "": { status: "SERVING" }, [echo]: { status: "SERVING" } });
  });

  for (const protocol of webProtocols) {
    it(`is answered by ${protocol}, errors and streams too`, async () => {
      const { client: web, close } = webClient(protocol, service, host.runtime.address);
      try {
        assert.equal(((await web["check"]!({})) as { status: number }).status, 1);
        await assert.rejects(web["check"]!({ service: "nope" }), (error: ConnectError) => error.code === Code.NotFound);
        const leave = new AbortController();
        const watch = web["watch"]!({ service: echo }, { signal: leave.signal }) as AsyncIterable<{ status: number }>;
        for await (const { status } of watch) {
          assert.equal(status, 1);
          break;
        }
        leave.abort();
      } finally {
        close();
      }
    });
  }

  it("is answered as REST", async () => {
    const ask = (body: string): Promise<Response> =>
      fetch(`http://${host.runtime.address}/${service}/Check`, { method: "POST", headers: { "content-type": "application/json" }, body });
    const good = await ask(`{"service":"${echo}"}`);
    assert.deepEqual([good.status, await good.json()], [200, { status: "SERVING" }]);
    const unknown = await ask('{"service":"nope"}');
    assert.equal(unknown.status, 404);
    assert.match(await unknown.text(), /"UNKNOWN_SERVICE"/);
    assert.equal((await ask('{"sevrice":""}')).status, 400);
  });

  it("refuses a request that is no protobuf", async () => {
    const response = await fetch(`http://${host.runtime.address}/${service}/Check`, {
      method: "POST",
      headers: { "content-type": "application/proto" },
      body: Uint8Array.of(0x0a, 0xff, 0xff),
    });
    assert.equal(response.status, 400);
    assert.match(await response.text(), /invalid_argument/);
  });

  it("Watch says SERVICE_UNKNOWN for an unknown name, and goes on", async () => {
    const watch = client.watch({ service: "nope" });
    const seen: string[] = [];
    watch.on("data", ({ status }: { status: string }) => seen.push(status)).on("error", () => undefined);
    await until(() => seen.length > 0, "the first status");
    assert.deepEqual(seen, ["SERVICE_UNKNOWN"]);
    watch.cancel();
  });
});

describe("health of an upstream that comes and goes", () => {
  it("is told to who watches, without a call that would find out; the end of the process too", async function () {
    this.timeout(40_000);
    let backend = await startEchoServer();
    const { port } = backend;
    const host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${port}` });
    const client = clientAt(host.runtime.address);
    const seen: string[] = [];
    const failures: number[] = [];
    try {
      await until(() => host.runtime.readiness().ready, "the upstream to be reached");
      client
        .watch({ service: "" })
        .on("data", ({ status }: { status: string }) => seen.push(status))
        .on("error", (error: Partial<grpc.StatusObject>) => failures.push(error.code!));
      await until(() => seen.length === 1, "the first status");
      await backend.stop();
      await until(() => seen.length === 2, "the loss");
      await assert.doesNotReject(check(client));
      backend = await startEchoServer(port);
      await until(() => seen.length === 3, "the return");
      await host.runtime.drain(5000);
      await until(() => failures.length === 1, "the end of the watch");
      assert.deepEqual(seen, ["SERVING", "NOT_SERVING", "SERVING", "NOT_SERVING"]);
      assert.deepEqual(failures, [grpc.status.UNAVAILABLE]);
    } finally {
      client.close();
      await host.stop();
      await backend.stop();
    }
  });

  it("is NOT_SERVING while the upstream was never there, and while its schema is not", async () => {
    const gone = await startEchoServer();
    await gone.stop();
    for (const schema of [undefined, "reflection", "none"]) {
      const settings = schema === undefined ? {} : { "inbound.schema": schema };
      const host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${gone.port}`, ...settings });
      const client = clientAt(host.runtime.address);
      try {
        assert.equal(await check(client), "NOT_SERVING", String(schema));
        const rest = await fetch(`http://${host.runtime.address}/${service}/Check`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: "{}",
        });
        assert.equal(await rest.text(), '{"status":"NOT_SERVING"}');
      } finally {
        client.close();
        await host.stop();
      }
    }
  });
});

describe("health that the upstream answers itself", () => {
  for (const schema of ["none", undefined]) {
    it(`passes through where it is told to, ${schema === undefined ? "beside a schema from files" : "without a schema"}`, async () => {
      const backend = new grpc.Server();
      const definition = grpcClient(service, "127.0.0.1:1").constructor as unknown as grpc.ServiceClientConstructor;
      backend.addService(definition.service, {
        check: (call: { request: { service: string } }, callback: grpc.sendUnaryData<object>) =>
          callback(null, { status: call.request.service === "mine" ? "SERVING" : "UNKNOWN" }),
      });
      const port = await new Promise<number>((resolve, reject) =>
        backend.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
          error ? reject(error) : resolve(bound),
        ),
      );
      const settings = schema === undefined ? {} : { "inbound.schema": schema };
      const host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${port}`, "inbound.health": "upstream", ...settings });
      const client = clientAt(host.runtime.address);
      try {
        assert.equal(await check(client, "mine"), "SERVING");
        assert.equal(await check(client), "UNKNOWN");
      } finally {
        client.close();
        await host.stop();
        backend.forceShutdown();
      }
    });
  }
});
