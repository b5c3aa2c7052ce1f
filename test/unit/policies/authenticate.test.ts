/** Who a call is made for: what is accepted, what is refused and how that is said, and that nothing of it shows a secret. */
import assert from "node:assert/strict";
import { createHash, scryptSync } from "node:crypto";
import type { Call } from "../../../src/core/call.ts";
import type { CallError } from "../../../src/core/call-error.ts";
import type { Handler } from "../../../src/core/handler.ts";
import { PrincipalSlot, RenewSlot } from "../../../src/core/principal.ts";
import { okStatus } from "../../../src/core/status.ts";
import { authenticate } from "../../../src/policies/authenticate.ts";
import { audienceName, encoded, Issuer, issuerName } from "../../support/issuer.ts";
import { callOf, createPolicyHost, okReply, streamMethod, type CallOptions, type PolicyHost } from "../../support/policy-host.ts";
import { until } from "../../support/until.ts";

const sha256 = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;

interface Outcome {
  readonly call: Call;
  readonly error: CallError | undefined;
  readonly host: PolicyHost;
}

describe("authenticate", () => {
  let host: PolicyHost;
  let issuer: Issuer;
  let rsa: Issuer;

  before(() => authenticate.load());

  beforeEach(async () => {
    host = createPolicyHost();
    const nowMs = (): number => host.clock.wallMs();
    issuer ??= await Issuer.create(() => nowMs());
    rsa ??= await Issuer.create(() => nowMs(), "r1", "RS256");
  });

  const jwtSettings = (over: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
    issuer: issuerName,
    audience: audienceName,
    jwks: { keys: [issuer.jwk, rsa.jwk] },
    ...over,
  });

  function handlerFor(settings: Readonly<Record<string, unknown>>): Handler {
    return authenticate.create(authenticate.config.parse(settings), host)(() => Promise.resolve(okReply()));
  }

  async function run(handler: Handler, options: CallOptions = {}): Promise<Outcome> {
    const call = callOf(options);
    try {
      await handler(call);
      return { call, error: undefined, host };
    } catch (error) {
      return { call, error: error as CallError, host };
    }
  }

  const bearer = (token: string): CallOptions => ({ metadata: { authorization: `Bearer ${token}` } });

  describe("tokens", () => {
    it("say who it is, and go no further unless that is wanted", async () => {
      const handler = handlerFor({ jwt: jwtSettings() });
      const { call, error } = await run(handler, {
        metadata: { "x-a": "1", authorization: `bearer ${await issuer.token({ claims: { role: ["admin"] } })}` },
      });
      assert.equal(error, undefined);
      const principal = call.slots.get(PrincipalSlot)!;
      assert.equal(principal.kind, "jwt");
      assert.equal(principal.id, "alice");
      assert.deepEqual(principal.claims["role"], ["admin"]);
      assert.deepEqual(call.metadata.flat, ["x-a", "1"]);
      const forwarding = handlerFor({ jwt: jwtSettings({ forward: true }) });
      const passed = await run(forwarding, bearer(await issuer.token()));
      assert.equal(passed.call.metadata.has("authorization"), true);
    });

    it("are verified once: the same one again is known in the same turn", async () => {
      const handler = handlerFor({ jwt: jwtSettings() });
      const options = bearer(await rsa.token());
      await run(handler, options);
      const again = callOf(options);
      void handler(again);
      assert.equal(again.slots.get(PrincipalSlot)?.id, "alice");
    });

    it("may come in a cookie, which is taken out from among the others", async () => {
      const handler = handlerFor({ jwt: jwtSettings({ cookie: "session" }) });
      const { call, error } = await run(handler, { metadata: { cookie: `a=1; session=${await issuer.token()}; b=2` } });
      assert.equal(error, undefined);
      assert.equal(call.metadata.get("cookie"), "a=1; b=2");
      assert.equal(call.slots.get(PrincipalSlot)?.id, "alice");
    });

    it("tell the upstream what the configuration names, in place of what callers say of themselves", async () => {
      const claims = { sub: "x-user", "realm.roles": "x-roles", name: "x-name" };
      const handler = handlerFor({ jwt: jwtSettings({ claims }), principalHeader: "x-principal" });
      const token = await issuer.token({ claims: { realm: { roles: ["a", "b"] }, name: "Zoë" } });
      const { call } = await run(handler, {
        metadata: { authorization: `Bearer ${token}`, "x-user": "root", "x-dragoman-principal": "root", "x-forwarded-client-cert": "root" },
      });
      assert.deepEqual(call.metadata.flat, []);
      assert.deepEqual(call.hopFields, ["x-principal", "alice", "x-user", "alice", "x-roles", "a,b", "x-name", "Zo%C3%AB"]);
    });

    it("of HS256 are taken where the configuration says so", async () => {
      const secret = await Issuer.create(() => host.clock.wallMs(), "s1");
      const k = Buffer.alloc(32, 7).toString("base64url");
      const handler = handlerFor({ jwt: jwtSettings({ algorithms: ["HS256"], jwks: { keys: [{ kty: "oct", k, kid: "s1" }] } }) });
      const { createHmac } = await import("node:crypto");
      const signed = `${encoded({ alg: "HS256", kid: "s1" })}.${encoded(secret.claims())}`;
      const token = `${signed}.${createHmac("sha256", Buffer.alloc(32, 7)).update(signed).digest("base64url")}`;
      assert.equal((await run(handler, bearer(token))).error, undefined);
    });

    const bad: readonly (readonly [string, () => Promise<string> | string, RegExp, string?])[] = [
      ["alg none", () => issuer.unsigned(), /not a signed/],
      ["alg none with a signature", () => `${issuer.unsigned()}AAAA`, /algorithm is not allowed/],
      ["HS256 with the RSA public key as secret", () => rsa.confused(), /algorithm is not allowed/],
      ["an unknown key id", () => issuer.token({ header: { kid: "../../etc/passwd" } }), /key is not known/],
      ["a key id made for a database", () => issuer.token({ header: { kid: "' OR 1=1 --" } }), /key is not known/],
      ["another's key id", async () => issuer.token({ header: { kid: rsa.kid } }), /key is not known/],
      ["a key of its own in jwk", () => forged({ jwk: true }), /signature does not fit/],
      ["a key of its own at jku", () => forged({ jku: "https://evil.example/keys" }), /signature does not fit/],
      ["a key of its own at x5u", () => forged({ x5u: "https://evil.example/cert" }), /signature does not fit/],
      ["a critical extension", () => issuer.token({ header: { crit: ["exotic"], exotic: 1 } }), /critical|not supported/],
      ["a token inside", () => issuer.token({ header: { cty: "JWT" } }), /another token/],
      ["more than 8 KiB", () => issuer.token({ claims: { padding: "x".repeat(8192) } }), /larger than 8 KiB/],
      ["an end in the past", () => issuer.token({ lifetimeMs: -61_000 }), /has expired/, "TOKEN_EXPIRED"],
      ["no end", () => issuer.token({ claims: { exp: undefined } }), /has no end/],
      ["a beginning in the future", () => issuer.token({ claims: { nbf: host.clock.wallMs() / 1000 + 120 } }), /not valid yet/],
      ["another audience", () => issuer.token({ claims: { aud: "payments" } }), /another audience/],
      ["no audience", () => issuer.token({ claims: { aud: undefined } }), /another audience/],
      ["another issuer", () => issuer.token({ claims: { iss: "https://evil.example" } }), /not from an issuer/],
      ["no subject", () => issuer.token({ claims: { sub: undefined } }), /names no principal/],
      ["a signature of others", async () => `${(await issuer.token()).slice(0, -8)}AAAAAAAA`, /signature does not fit/],
      ["encryption", () => "a.b.c.d.e", /not a signed/],
      ["nonsense", () => "nonsense", /not a signed/],
    ];

    async function forged(header: Readonly<Record<string, unknown>>): Promise<string> {
      const evil = await Issuer.create(() => host.clock.wallMs(), issuer.kid);
      return evil.token({ header: "jwk" in header ? { jwk: evil.jwk } : header });
    }

    for (const [what, make, why, reason = "INVALID_TOKEN"] of bad)
      it(`with ${what} are refused, in one line without them`, async () => {
        const token = await make();
        const { error } = await run(handlerFor({ jwt: jwtSettings() }), bearer(token));
        assert.equal(error?.reason, reason);
        assert.match(error.message, why);
        assert.match(error.headers[1]!, /^Bearer realm="dragoman", error="invalid_token", error_description="[^"]*"$/);
        assert.equal(host.logged.length, 1);
        const line = JSON.stringify(host.logged[0]);
        for (const part of token.split(".").filter((text) => text.length > 8)) assert.ok(!(line + error.message).includes(part));
        assert.ok(!line.includes("evil.example") && !line.includes("passwd"));
      });

    it("of which there are two are refused, whatever they are", async () => {
      const token = await issuer.token();
      const metadata = [
        ["authorization", `Bearer ${token}`],
        ["authorization", `Bearer ${token}`],
      ] as const;
      const { error } = await run(handlerFor({ jwt: jwtSettings() }), { metadata });
      assert.match(error!.message, /more than one/);
      const joined = await run(handlerFor({ jwt: jwtSettings() }), bearer(`${token}, Bearer ${token}`));
      assert.equal(joined.error?.reason, "INVALID_TOKEN");
    });

    it("that are just over are taken within the clock skew, and not remembered longer", async () => {
      const handler = handlerFor({ jwt: jwtSettings() });
      const options = bearer(await issuer.token({ lifetimeMs: -30_000 }));
      assert.equal((await run(handler, options)).error, undefined);
      host.clock.advance(31_000);
      assert.equal((await run(handler, options)).error?.reason, "TOKEN_EXPIRED");
    });

    it("that are remembered end when they end", async () => {
      const handler = handlerFor({ jwt: jwtSettings({ clockSkew: "0ms" }) });
      const options = bearer(await issuer.token({ lifetimeMs: 10_000 }));
      assert.equal((await run(handler, options)).error, undefined);
      host.clock.advance(11_000);
      assert.equal((await run(handler, options)).error?.reason, "TOKEN_EXPIRED");
    });
  });

  describe("an issuer's keys", () => {
    it("are fetched once, and again for an id nobody knows, but not more often than every 30 s", async () => {
      const next = await Issuer.create(() => host.clock.wallMs(), "k2");
      let keys: unknown = issuer.keySet;
      const server = await issuer.serve(() => keys);
      const handler = handlerFor({ jwt: jwtSettings({ jwks: `${server.url}/keys` }) });
      try {
        const first = await Promise.all([
          run(handler, bearer(await issuer.token())),
          run(handler, bearer(await issuer.token({ lifetimeMs: 1e6 }))),
        ]);
        assert.ok(first.every(({ error }) => error === undefined));
        assert.equal(server.seen.length, 1);
        assert.equal((await run(handler, bearer(await next.token()))).error?.message, "the token is not accepted: its key is not known");
        assert.equal(server.seen.length, 1);
        host.clock.advance(30_000);
        keys = { keys: [next.jwk] };
        assert.equal((await run(handler, bearer(await next.token()))).error, undefined);
        assert.equal(server.seen.length, 2);
        // What was signed with a key that is gone is not remembered either.
        assert.match((await run(handler, bearer(await issuer.token()))).error!.message, /key is not known/);
      } finally {
        await server.stop();
      }
    });

    it("are kept while it is away, and cannot be had where there never were any", async () => {
      let answer: unknown = issuer.keySet;
      const server = await issuer.serve(() => answer);
      try {
        const handler = handlerFor({ jwt: jwtSettings({ jwks: `${server.url}/keys` }) });
        assert.equal((await run(handler, bearer(await issuer.token()))).error, undefined);
        answer = 500;
        host.clock.advance(3_600_000);
        assert.equal((await run(handler, bearer(await issuer.token()))).error, undefined);
        const cold = handlerFor({ jwt: jwtSettings({ jwks: `${server.url}/other` }) });
        const { error } = await run(cold, bearer(await issuer.token()));
        assert.equal(error?.reason, "KEYS_UNAVAILABLE");
        assert.equal(error.retry, "safe");
        assert.deepEqual(error.headers, []);
      } finally {
        await server.stop();
      }
    });

    it("outlive a reload", async () => {
      const server = await issuer.serve();
      try {
        for (let generation = 0; generation < 3; generation++)
          assert.equal((await run(handlerFor({ jwt: jwtSettings({ jwks: server.url }) }), bearer(await issuer.token()))).error, undefined);
        assert.equal(server.seen.length, 1);
      } finally {
        await server.stop();
      }
    });

    for (const [what, answer] of [
      ["not a key set", { nothing: 1 }],
      ["larger than 256 KiB", { keys: [], padding: "x".repeat(300_000) }],
      ["without a key", { keys: [{ kty: "PQC" }] }],
      ["a thousand keys", { keys: Array.from({ length: 1000 }, () => ({ kty: "oct" })) }],
    ] as const)
      it(`that are ${what} are no keys`, async () => {
        const server = await issuer.serve(() => answer);
        try {
          const { error } = await run(handlerFor({ jwt: jwtSettings({ jwks: server.url }) }), bearer(await issuer.token()));
          assert.equal(error?.reason, "KEYS_UNAVAILABLE");
        } finally {
          await server.stop();
        }
      });

    it("that cannot be read from a file fail the configuration", () => {
      assert.throws(
        () => handlerFor({ jwt: jwtSettings({ jwks: "/nowhere/keys.json" }) }),
        /authenticate\.jwt\.jwks: \/nowhere\/keys\.json cannot be used/,
      );
      assert.throws(() => handlerFor({ jwt: jwtSettings({ jwks: "https://x.example", algorithms: ["HS256"] }) }), /put them into a file/);
    });
  });

  describe("API keys", () => {
    const slow = (text: string): string => {
      const salt = Buffer.alloc(16, 3);
      const unpadded = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "");
      return `$scrypt$ln=10,r=8,p=1$${unpadded(salt)}$${unpadded(scryptSync(text, salt, 32, { N: 1024, r: 8, p: 1 }))}`;
    };
    const settings = {
      apiKey: {
        keys: [
          { id: "partner-a", hash: sha256("secret-a"), claims: { tier: 2 } },
          { id: "partner-b", hash: slow("partner-b.secret-b") },
        ],
      },
    };

    for (const [key, id] of [
      ["secret-a", "partner-a"],
      ["partner-b.secret-b", "partner-b"],
    ] as const)
      it(`${id} is found by its key, which goes no further`, async () => {
        const handler = handlerFor(settings);
        for (let round = 0; round < 2; round++) {
          const { call, error } = await run(handler, { metadata: { "x-api-key": key } });
          assert.equal(error, undefined);
          assert.equal(call.slots.get(PrincipalSlot)?.id, id);
          assert.equal(call.metadata.size, 0);
        }
      });

    for (const key of ["", "secret-b", "partner-b.secret-a", "partner-a.secret-a", "x".repeat(1000)])
      it(`${JSON.stringify(key.slice(0, 20))} is nobody's`, async () => {
        const { error } = await run(handlerFor(settings), { metadata: { "x-api-key": key } });
        assert.equal(error?.reason, "INVALID_API_KEY");
        assert.equal(error.headers[1], 'ApiKey realm="dragoman"');
        assert.equal(host.logged.length, 1);
        assert.ok(key === "" || !JSON.stringify(host.logged[0]).includes(key));
      });

    it("that cannot be used fail the configuration", () => {
      assert.throws(() => handlerFor({ apiKey: { keys: [{ id: "a", hash: "plain" }] } }), /the hash of a is neither/);
      assert.throws(() => handlerFor({ apiKey: {} }), /there are none/);
      assert.throws(() => handlerFor({ apiKey: { file: "/nowhere/keys" } }), /\/nowhere\/keys/);
    });
  });

  describe("several credentials", () => {
    const both = (over: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
      jwt: jwtSettings(),
      apiKey: { keys: [{ id: "partner-a", hash: sha256("secret-a") }] },
      ...over,
    });

    it("any: one is enough, and a bad one is refused beside a good one", async () => {
      const handler = handlerFor(both());
      assert.equal((await run(handler, { metadata: { "x-api-key": "secret-a" } })).error, undefined);
      assert.equal((await run(handler, bearer(await issuer.token()))).error, undefined);
      const mixed = await run(handler, { metadata: { authorization: "Bearer nonsense", "x-api-key": "secret-a" } });
      assert.equal(mixed.error?.reason, "INVALID_TOKEN");
      assert.equal((await run(handler)).error?.reason, "MISSING_CREDENTIALS");
    });

    it("all: each is needed", async () => {
      const handler = handlerFor(both({ require: "all" }));
      const authorization = `Bearer ${await issuer.token()}`;
      const { call, error } = await run(handler, { metadata: { authorization, "x-api-key": "secret-a" } });
      assert.equal(error, undefined);
      assert.equal(call.slots.get(PrincipalSlot)?.kind, "jwt");
      assert.equal((await run(handler, { metadata: { authorization } })).error?.reason, "MISSING_CREDENTIALS");
    });

    it("optional: none is nobody, a bad one is refused", async () => {
      const handler = handlerFor(both({ optional: true }));
      const { call, error } = await run(handler, { metadata: { "x-dragoman-principal": "root" } });
      assert.equal(error, undefined);
      assert.deepEqual(call.slots.get(PrincipalSlot), { kind: "anonymous", id: "", claims: {}, expiresAtMs: Infinity });
      assert.equal(call.metadata.size, 0);
      assert.equal((await run(handler, bearer("nonsense"))).error?.reason, "INVALID_TOKEN");
    });

    it("none: a challenge that says nothing is wrong", async () => {
      const { error } = await run(handlerFor(both()), { metadata: { authorization: "Basic YTpi" } });
      assert.deepEqual(error?.headers, ["www-authenticate", 'Bearer realm="dragoman"']);
    });
  });

  describe("a call that streams", () => {
    const reasonOf = (call: Call): string | undefined => call.cancelled?.reason;

    async function begin(lifetimeMs: number): Promise<Call> {
      const handler = handlerFor({ jwt: jwtSettings() });
      const { call, error } = await run(handler, { ...bearer(await issuer.token({ lifetimeMs })), method: streamMethod });
      assert.equal(error, undefined);
      return call;
    }

    it("ends with its token", async () => {
      const call = await begin(5000);
      host.clock.advance(4900);
      assert.equal(call.cancelled, undefined);
      host.clock.advance(200);
      assert.equal(reasonOf(call), "TOKEN_EXPIRED");
      assert.equal(host.timers.size, 0);
    });

    it("leaves nothing behind when it ends before", async () => {
      const call = await begin(5000);
      assert.equal(host.timers.size, 1);
      call.finish(okStatus());
      assert.equal(host.timers.size, 0);
    });

    it("goes on with a new token of the same principal", async () => {
      const call = await begin(5000);
      const former = call.slots.get(PrincipalSlot);
      call.slots.get(RenewSlot)!(`Bearer ${await issuer.token({ lifetimeMs: 20_000 })}`);
      await until(() => call.slots.get(PrincipalSlot) !== former, "the new principal");
      host.clock.advance(10_000);
      assert.equal(call.cancelled, undefined);
      host.clock.advance(11_000);
      assert.equal(reasonOf(call), "TOKEN_EXPIRED");
    });

    for (const [what, make] of [
      ["of somebody else", () => issuer.token({ claims: { sub: "mallory" } })],
      ["that is not accepted", () => "nonsense"],
    ] as const)
      it(`ends at once with a token ${what}`, async () => {
        const call = await begin(5000);
        call.slots.get(RenewSlot)!(`Bearer ${await make()}`);
        await until(() => call.cancelled !== undefined, "the end of the call");
        assert.equal(reasonOf(call), "INVALID_TOKEN");
      });
  });

  it("has settings that need at least one method", () => {
    assert.equal(authenticate.config.safeParse({}).success, false);
    assert.equal(authenticate.config.safeParse({ optional: true }).success, false);
  });
});
