/** What the upstream is shown of us: secrets and tokens, and never the caller's own. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call } from "../../../src/core/call.ts";
import type { CallError } from "../../../src/core/call-error.ts";
import { credentials } from "../../../src/policies/credentials.ts";
import { startHttpServer, type HttpServer } from "../../support/http-server.ts";
import { callOf, createPolicyHost, okReply, type PolicyHost } from "../../support/policy-host.ts";
import { until } from "../../support/until.ts";

describe("credentials", () => {
  let host: PolicyHost;
  let folder: string;
  let secretFile: string;

  before(async () => {
    await credentials.load();
    folder = mkdtempSync(join(tmpdir(), "dragoman-credentials-"));
    secretFile = join(folder, "secret");
    writeFileSync(secretFile, "s3cret\n");
    process.env["CREDENTIALS_TEST_SECRET"] = "from-env";
  });
  after(() => {
    rmSync(folder, { recursive: true });
    delete process.env["CREDENTIALS_TEST_SECRET"];
  });
  beforeEach(() => (host = createPolicyHost()));

  const layerOf = (settings: Readonly<Record<string, unknown>>) => credentials.create(credentials.config.parse(settings), host);

  async function sent(layer: ReturnType<typeof layerOf>, metadata: Readonly<Record<string, string>> = {}): Promise<Call> {
    const call = callOf({ metadata });
    call.hopFields = ["traceparent", "t"];
    await layer(() => Promise.resolve(okReply()))(call);
    return call;
  }

  it("takes the caller's token out, unless it is to pass", async () => {
    const metadata = { authorization: "Bearer caller", "x-a": "1" };
    assert.deepEqual((await sent(layerOf({}), metadata)).metadata.flat, ["x-a", "1"]);
    assert.equal((await sent(layerOf({ caller: "pass" }), metadata)).metadata.get("authorization"), "Bearer caller");
  });

  it("sends a secret from a file or the environment, in place of the caller's header of that name", async () => {
    const fromFile = await sent(layerOf({ header: { name: "x-api-key", file: secretFile } }), { "x-api-key": "mine" });
    assert.deepEqual(fromFile.hopFields, ["traceparent", "t", "x-api-key", "s3cret"]);
    assert.equal(fromFile.metadata.size, 0);
    const fromEnv = await sent(layerOf({ header: { prefix: "Bearer ", env: "CREDENTIALS_TEST_SECRET" } }));
    assert.deepEqual(fromEnv.hopFields, ["traceparent", "t", "authorization", "Bearer from-env"]);
  });

  it("sends it once, however often the call is tried", async () => {
    const handler = layerOf({ header: { name: "x-api-key", file: secretFile } })(() => Promise.resolve(okReply()));
    const call = callOf();
    for (let attempt = 1; attempt <= 3; attempt++) await handler(call);
    assert.deepEqual(call.hopFields, ["x-api-key", "s3cret"]);
  });

  it("says which secret is missing, and none that is there", () => {
    assert.throws(() => layerOf({ header: { file: join(folder, "none") } }), /credentials\.header: .*none cannot be read: ENOENT/);
    assert.throws(() => layerOf({ header: { env: "CREDENTIALS_TEST_NONE" } }), /the variable CREDENTIALS_TEST_NONE is empty/);
    writeFileSync(join(folder, "bad"), "a\u0000b");
    assert.throws(
      () => layerOf({ header: { file: join(folder, "bad") } }),
      (error: Error) => !error.message.includes("a\u0000b") && /no header/.test(error.message),
    );
    assert.equal(credentials.config.safeParse({ header: { name: "x-a" } }).success, false);
    assert.equal(credentials.config.safeParse({ header: { name: "x-a", file: "a", env: "b" } }).success, false);
  });

  describe("a token of our own", () => {
    let server: HttpServer;
    let answer: unknown;
    let forms: string[];

    beforeEach(async () => {
      forms = [];
      server = await startHttpServer((request, response) => {
        let form = "";
        request.on("data", (chunk: Buffer) => (form += chunk.toString()));
        request.on("end", () => {
          forms.push(form);
          if (typeof answer === "number") response.writeHead(answer).end("no");
          else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
        });
      });
    });
    afterEach(() => server.stop());

    const settings = () => ({ clientCredentials: { url: server.url, clientId: "us:1", file: secretFile, scope: "a b" } });
    const authorizationOf = ({ hopFields = [] }: Call): string | undefined => hopFields[hopFields.indexOf("authorization") + 1];

    it("is asked for once by however many calls, as RFC 6749 says", async () => {
      answer = { access_token: "t1", token_type: "bearer", expires_in: 100 };
      const layer = layerOf(settings());
      const calls = await Promise.all([1, 2, 3].map(() => sent(layer, { authorization: "Bearer caller" })));
      for (const call of calls) {
        assert.equal(authorizationOf(call), "Bearer t1");
        assert.equal(call.metadata.size, 0);
      }
      assert.equal(server.seen.length, 1);
      assert.equal(server.seen[0]!.method, "POST");
      assert.equal(server.seen[0]!.headers.authorization, `Basic ${Buffer.from("us%3A1:s3cret").toString("base64")}`);
      assert.deepEqual(Object.fromEntries(new URLSearchParams(forms[0])), { grant_type: "client_credentials", scope: "a b" });
    });

    it("is renewed before it ends, and used until then when that fails", async () => {
      answer = { access_token: "t1", expires_in: 100 };
      const layer = layerOf(settings());
      assert.equal(authorizationOf(await sent(layer)), "Bearer t1");
      host.clock.advance(81_000);
      answer = 503;
      assert.equal(authorizationOf(await sent(layer)), "Bearer t1");
      await until(() => host.logged.some(({ level }) => level === "warn"), "the failure in the log");
      assert.ok(!JSON.stringify(host.logged).includes("s3cret"));
      host.clock.advance(2000);
      answer = { access_token: "t2", expires_in: 100 };
      assert.equal(authorizationOf(await sent(layer)), "Bearer t1");
      await until(() => forms.length === 3, "the third question");
      let last: string | undefined;
      await until(() => {
        void sent(layer).then((call) => (last = authorizationOf(call)));
        return last === "Bearer t2";
      }, "the new token");
    });

    for (const [what, given] of [
      ["a failure", 500],
      ["no token", { nothing: 1 }],
      ["another kind of token", { access_token: "t", token_type: "mac" }],
      ["a token no header can hold", { access_token: "a\nb" }],
    ] as const)
      it(`refuses calls where the answer is ${what}, and does not ask at each of them`, async () => {
        answer = given;
        const layer = layerOf(settings());
        for (let round = 0; round < 3; round++)
          await assert.rejects(
            () => sent(layer),
            (error: CallError) => error.reason === "CREDENTIALS_UNAVAILABLE" && error.retry === "safe",
          );
        assert.equal(server.seen.length, 1);
      });
  });
});
