/**
 * The lines of the policy matrix: a policy, how it is set, what a caller sends, and how every call must end then, in gRPC's words.
 *
 * To add a policy: a line for each of its refusals. Each is played by every protocol that comes in, unary and streaming (play.ts).
 */
import { createHash } from "node:crypto";
import { ownEnding, type Ending } from "../matrix/outcomes.ts";
import { restPaths } from "../matrix/clients/rest-client.ts";
import type { Kind } from "../matrix/script.ts";
import { codeOf } from "../matrix/statuses.ts";
import { startAuthorizationServer } from "../support/authorization-server.ts";
import { startHttpServer } from "../support/http-server.ts";
import { audienceName, Issuer, issuerName } from "../support/issuer.ts";
import type { RuntimeHost } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";

/** What a line needs while it is played. */
export interface Prepared {
  /** By policy kind. */
  readonly policies: Readonly<Record<string, unknown>>;
  /** Request metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** In the backend's place. */
  readonly upstream?: string;
  /** Before anything is played. */
  begin?(host: RuntimeHost): Promise<void>;
  stop?(): Promise<void>;
}

export interface Line {
  readonly policy: string;
  readonly what: string;
  prepare(): Prepared | Promise<Prepared>;
  ending(kind: Kind): Ending;
  /** What HTTP answers carry where the protocol shows it. */
  readonly headers?: Readonly<Record<string, RegExp>>;
}

const ok: Ending = { code: 0, reason: undefined, message: "", details: [], httpStatus: 200 };
const issuer = await Issuer.create(() => Date.now());
const jwt = { issuer: issuerName, audience: audienceName, jwks: issuer.keySet };
const apiKey = { keys: [{ id: "partner", hash: `sha256:${createHash("sha256").update("good").digest("hex")}` }] };
const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });

async function askedOutside(answer: object | undefined, over: Readonly<Record<string, unknown>> = {}): Promise<Prepared> {
  const server = await startAuthorizationServer(() => answer);
  return { policies: { "external-auth": { server: server.url, timeout: "8s", ...over } }, stop: () => server.stop() };
}

export const lines: readonly Line[] = [
  {
    policy: "authenticate",
    what: "a good token",
    prepare: async () => ({ policies: { authenticate: { jwt } }, metadata: bearer(await issuer.token()) }),
    ending: () => ok,
  },
  {
    policy: "authenticate",
    what: "no credentials",
    prepare: () => ({ policies: { authenticate: { jwt } } }),
    ending: () => ownEnding("MISSING_CREDENTIALS"),
    headers: { "www-authenticate": /^Bearer realm="dragoman"$/ },
  },
  {
    policy: "authenticate",
    what: "a token that is none",
    prepare: () => ({ policies: { authenticate: { jwt } }, metadata: bearer("nonsense") }),
    ending: () => ownEnding("INVALID_TOKEN"),
    headers: { "www-authenticate": /^Bearer realm="dragoman", error="invalid_token", error_description="[^"]+"$/ },
  },
  {
    policy: "authenticate",
    what: "a token that is over",
    prepare: async () => ({ policies: { authenticate: { jwt } }, metadata: bearer(await issuer.token({ lifetimeMs: -3_600_000 })) }),
    ending: () => ownEnding("TOKEN_EXPIRED", { closeCode: 4401 }),
    headers: { "www-authenticate": /error="invalid_token"/ },
  },
  {
    policy: "authenticate",
    what: "keys that cannot be had",
    async prepare() {
      const server = await issuer.serve(() => 500);
      return {
        policies: { authenticate: { jwt: { ...jwt, jwks: server.url } } },
        metadata: bearer(await issuer.token()),
        stop: () => server.stop(),
      };
    },
    ending: () => ownEnding("KEYS_UNAVAILABLE"),
  },
  {
    policy: "authenticate",
    what: "nobody's API key",
    prepare: () => ({ policies: { authenticate: { apiKey } }, metadata: { "x-api-key": "bad" } }),
    ending: () => ownEnding("INVALID_API_KEY"),
    headers: { "www-authenticate": /^ApiKey / },
  },
  {
    policy: "authenticate",
    what: "no client certificate",
    prepare: () => ({ policies: { authenticate: { mtls: {} } } }),
    ending: () => ownEnding("MISSING_CREDENTIALS"),
  },
  {
    policy: "authorize",
    what: "a principal that may not",
    prepare: () => ({
      policies: { authenticate: { apiKey }, authorize: { allow: ['principal == "other"'] } },
      metadata: { "x-api-key": "good" },
    }),
    ending: () => ownEnding("NOT_AUTHORIZED"),
  },
  {
    policy: "external-auth",
    what: "a server that says yes",
    prepare: () => askedOutside({ status: { code: 0 } }),
    ending: () => ok,
  },
  {
    policy: "external-auth",
    what: "a server that says no",
    prepare: () => askedOutside({ status: { code: 7 } }),
    ending: () => ownEnding("EXTERNAL_AUTH_DENIED"),
  },
  {
    policy: "external-auth",
    what: "a server that says no in its own way",
    prepare: () =>
      askedOutside({
        status: { code: 16 },
        denied_response: {
          status: { code: 401 },
          body: "who are you?",
          headers: [{ header: { key: "WWW-Authenticate", value: "Custom" } }],
        },
      }),
    ending: () => ownEnding("EXTERNAL_AUTH_DENIED", { code: codeOf("UNAUTHENTICATED"), httpStatus: 401, message: "who are you?" }),
    headers: { "www-authenticate": /^Custom$/ },
  },
  {
    policy: "external-auth",
    what: "a server without an answer",
    prepare: () => askedOutside(undefined, { timeout: "50ms" }),
    ending: () => ownEnding("EXTERNAL_AUTH_UNAVAILABLE"),
  },
  {
    policy: "external-auth",
    what: "a server without an answer, failing open",
    prepare: () => askedOutside(undefined, { timeout: "50ms", failOpen: true }),
    ending: () => ok,
  },
  {
    policy: "credentials",
    what: "no token for the upstream",
    async prepare() {
      const server = await startHttpServer((_request, response) => response.writeHead(500).end());
      process.env["POLICY_MATRIX_SECRET"] = "secret";
      return {
        policies: { credentials: { clientCredentials: { url: server.url, clientId: "us", env: "POLICY_MATRIX_SECRET" } } },
        stop: () => server.stop(),
      };
    },
    ending: () => ownEnding("CREDENTIALS_UNAVAILABLE"),
  },
  {
    policy: "circuit-breaker",
    what: "a host that is left alone",
    prepare: () => ({
      policies: { "circuit-breaker": { failures: 1, open: "1h", longestOpen: "1h" } },
      upstream: "http://127.0.0.1:1",
      begin: async (host) => void (await host.get("/nobody-is-there")),
    }),
    ending: () => ownEnding("CIRCUIT_OPEN"),
    headers: { "retry-after": /^3[56]\d\d$/ },
  },
  {
    policy: "shed",
    what: "more calls than the service is good for",
    async prepare() {
      const silent = await startHttpServer(() => {});
      return {
        policies: { shed: { initial: 3, most: 3 } },
        upstream: silent.url,
        async begin({ runtime }) {
          const fill = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
          for (let n = 0; n < 3; n++) void fetch(`http://${runtime.address}${restPaths.unary}`, fill).catch(() => undefined);
          await until(() => silent.seen.length === 3, "the service to have its fill");
        },
        stop: () => silent.stop(),
      };
    },
    ending: () => ownEnding("OVERLOADED"),
    headers: { "retry-after": /^1$/ },
  },
  {
    policy: "fault",
    what: "every call ended",
    prepare: () => ({ policies: { fault: { abort: { code: "ABORTED" } } } }),
    ending: () => ownEnding("FAULT_INJECTED", { code: codeOf("ABORTED"), httpStatus: 409 }),
  },
  {
    policy: "fault",
    what: "every call delayed",
    prepare: () => ({ policies: { fault: { delay: { by: "5ms" } } } }),
    ending: () => ok,
  },
  {
    policy: "fallback",
    what: "a service that fails",
    prepare: () => ({
      policies: { fault: { abort: { code: "UNAVAILABLE" } }, fallback: { message: { text: "whole", index: 7 } } },
    }),
    ending: (kind) => (kind === "unary" ? ok : ownEnding("FAULT_INJECTED")),
  },
];
