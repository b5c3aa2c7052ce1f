/** What an authorization server is asked, and what its answer does; before a real server of Envoy's API. */
import assert from "node:assert/strict";
import { Call } from "../../../src/core/call.ts";
import { CallError } from "../../../src/core/call-error.ts";
import { Deadline } from "../../../src/core/deadline.ts";
import { SingleMessage } from "../../../src/core/messages.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { Payload } from "../../../src/core/payload.ts";
import { PrincipalSlot } from "../../../src/core/principal.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { externalAuth } from "../../../src/policies/external-auth.ts";
import { createProcessServices, type ProcessServices } from "../../../src/runtime/process-services.ts";
import { startAuthorizationServer, type AuthorizationServer } from "../../support/authorization-server.ts";
import { echoSchema } from "../../support/hop.ts";
import { okReply } from "../../support/policy-host.ts";
import { until } from "../../support/until.ts";

const method = echoSchema().services[0]!.methods[0]!;

describe("external-auth", () => {
  let answer: object | undefined;
  let server: AuthorizationServer;
  let services: ProcessServices;

  before(async () => {
    await externalAuth.load();
    server = await startAuthorizationServer(() => answer);
    services = createProcessServices(systemClock, silentLogger);
  });
  after(async () => {
    await services.close();
    await server.stop();
  });

  function callOf(metadata: readonly (readonly [string, string])[] = []): Call {
    const caller = { address: "10.0.0.7", protocol: "rest", secure: true };
    const message = new SingleMessage(Payload.ofJson(method.input, Buffer.from('{"text":"hello"}')));
    const call = new Call(method, caller, Metadata.from(metadata), message, new Deadline(), performance.now());
    call.slots.set(PrincipalSlot, { kind: "jwt", id: "alice", claims: {}, expiresAtMs: Infinity });
    return call;
  }

  async function ask(call: Call, over: Readonly<Record<string, unknown>> = {}): Promise<CallError | undefined> {
    const settings = externalAuth.config.parse({ server: server.url, timeout: "8s", ...over });
    try {
      await externalAuth.create(settings, services)(() => Promise.resolve(okReply()))(call);
      return undefined;
    } catch (error) {
      assert.ok(error instanceof CallError);
      return error;
    }
  }

  it("is asked by what the call is", async () => {
    answer = { status: { code: 0 } };
    const metadata = [
      ["x-a", "1"],
      ["x-a", "2"],
    ] as const;
    assert.equal(await ask(callOf(metadata), { body: "1KiB", context: { tier: "gold" } }), undefined);
    const { source, destination, request, context_extensions: context } = server.checked.at(-1)!.attributes;
    assert.equal(source.address.socket_address.address, "10.0.0.7");
    assert.equal(source.principal, "alice");
    assert.equal(destination.service, "dragoman.test.v1.Echo");
    assert.equal(request.http.method, "POST");
    assert.equal(request.http.path, "/dragoman.test.v1.Echo/Unary");
    assert.equal(request.http.protocol, "rest");
    assert.deepEqual(request.http.headers, { "x-a": "1,2" });
    assert.deepEqual(JSON.parse(request.http.body), { text: "hello" });
    assert.deepEqual(context, { tier: "gold" });
  });

  it("is sent no message unless that is wanted, and none that is larger", async () => {
    answer = {};
    for (const over of [{}, { body: "4B" }]) {
      assert.equal(await ask(callOf(), over), undefined);
      assert.equal(server.checked.at(-1)!.attributes.request.http.body, "");
    }
  });

  it("changes the metadata, but nothing that carries the call", async () => {
    const header = (key: string, value: string): object => ({ header: { key, value } });
    answer = {
      status: { code: 0 },
      ok_response: {
        headers: [
          header("X-New", "n"),
          header("x-old", "replaced"),
          { ...header("x-more", "2"), append: { value: true } },
          { ...header("x-there", "not this"), append_action: 1 },
          { ...header("x-absent", "not this"), append_action: 3 },
          header("grpc-timeout", "1n"),
          header(":path", "/x"),
          header("x-bad", "a\nb"),
        ],
        headers_to_remove: ["X-Gone", "host"],
      },
    };
    const call = callOf([
      ["x-old", "old"],
      ["x-more", "1"],
      ["x-there", "there"],
      ["x-gone", "gone"],
    ]);
    assert.equal(await ask(call), undefined);
    assert.deepEqual(
      [...call.metadata],
      [
        ["x-old", "replaced"],
        ["x-more", "1"],
        ["x-there", "there"],
        ["x-new", "n"],
        ["x-more", "2"],
      ],
    );
  });

  const denials: readonly (readonly [string, object, Partial<CallError>])[] = [
    ["a status alone", { status: { code: 7 } }, { code: 7 }],
    ["another status", { status: { code: 16, message: "who?" } }, { code: 16, message: "who?" }],
    [
      "an HTTP status",
      { status: { code: 7 }, denied_response: { status: { code: 429 }, body: "later" } },
      { code: 8, httpStatus: 429, message: "later" },
    ],
    ["an HTTP status that is none of a refusal", { denied_response: { status: { code: 200 } } }, { code: 7 }],
    ["a code nobody knows", { status: { code: 99 } }, { code: 2 }],
  ];
  for (const [what, given, expected] of denials)
    it(`refuses by ${what}`, async () => {
      answer = given;
      const error = await ask(callOf());
      assert.equal(error?.reason, "EXTERNAL_AUTH_DENIED");
      for (const [name, value] of Object.entries(expected)) assert.equal(error[name as keyof CallError], value, name);
    });

  it("fails closed without an answer, or open where that is wanted", async () => {
    answer = undefined;
    const error = await ask(callOf(), { timeout: "20ms" });
    assert.equal(error?.reason, "EXTERNAL_AUTH_UNAVAILABLE");
    assert.equal(error.retry, "safe");
    assert.equal(await ask(callOf(), { timeout: "20ms", failOpen: true }), undefined);
    assert.equal((await ask(callOf(), { server: "grpc://127.0.0.1:1" }))?.reason, "EXTERNAL_AUTH_UNAVAILABLE");
  });

  it("stops asking when the call is cancelled", async () => {
    answer = undefined;
    const before = { cancelled: server.cancelled(), checked: server.checked.length };
    const call = callOf();
    const outcome = ask(call, { failOpen: true });
    await until(() => server.checked.length > before.checked, "the question");
    call.cancel(new CallError("CALLER_CANCELLED"));
    assert.equal((await outcome)?.reason, "CALLER_CANCELLED");
    await until(() => server.cancelled() > before.cancelled, "the cancellation at the server");
    assert.equal(services.timers.size, 0);
  });
});
