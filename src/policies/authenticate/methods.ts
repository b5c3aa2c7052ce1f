/**
 * The ways to be somebody: each looks at its own credential and says who shows it.
 *
 * The trap: they are asked for every call, so what was found out is kept where it is found again for nothing: beside the head's list, beside
 * the connection.
 */
import { readFileSync } from "node:fs";
import type { Caller, CallerTls } from "../../core/caller.ts";
import type { Principal } from "../../core/principal.ts";
import { ApiKeys, readApiKeyFile, type ApiKeyEntry } from "../../identity/api-keys.ts";
import { identityOf } from "../../identity/certificate-identity.ts";
import { CredentialsError } from "../../identity/credentials-error.ts";
import { JsonWebKeys } from "../../identity/json-web-keys.ts";
import { fixedKeys, RemoteKeys, type KeySource } from "../../identity/key-source.ts";
import { TokenVerifier, type VerifiedToken } from "../../identity/token-verifier.ts";
import type { Services } from "../policy.ts";
import type { RequestCredentials } from "./request-credentials.ts";

/** Undefined: no credential of this kind is shown. @throws CredentialsError, or rejects with it */
export interface Method {
  readonly kind: "jwt" | "api-key" | "mtls";
  identify(shown: RequestCredentials, caller: Caller): Principal | Promise<Principal> | undefined;
}

export interface TokenSettings {
  readonly issuer: string | readonly string[];
  readonly audience: string | readonly string[];
  readonly jwks: string | { readonly keys: readonly unknown[] };
  readonly algorithms: readonly string[];
  readonly clockSkewMs: number;
  readonly principal: string;
}

export function tokenMethod(settings: TokenSettings, services: Services): Method {
  const { issuer, audience, algorithms, clockSkewMs, principal: idClaim } = settings;
  const rules = { issuers: [issuer].flat(), audiences: [audience].flat(), algorithms, clockSkewMs };
  const verifier = new TokenVerifier(rules, keySource(settings, services), services.clock);
  const principals = new WeakMap<VerifiedToken, Principal>();

  function accept(shown: RequestCredentials, verified: VerifiedToken): Principal {
    let principal = principals.get(verified);
    if (principal === undefined) principals.set(verified, (principal = principalOf(verified, idClaim)));
    shown.token.accepted = { verified, principal };
    return principal;
  }

  return {
    kind: "jwt",
    identify(shown) {
      const { accepted, fault, value } = shown.token;
      if (accepted !== undefined && verifier.isCurrent(accepted.verified)) return accepted.principal;
      if (fault !== undefined) throw new CredentialsError("INVALID_TOKEN", fault);
      if (value === undefined) return undefined;
      const verified = verifier.verify(value);
      return verified instanceof Promise ? verified.then((token) => accept(shown, token)) : accept(shown, verified);
    },
  };
}

function principalOf({ claims, endsAtMs }: VerifiedToken, idClaim: string): Principal {
  const id = claims[idClaim];
  if (typeof id !== "string" || id === "") throw new CredentialsError("INVALID_TOKEN", "it names no principal");
  return { kind: "jwt", id, claims, expiresAtMs: endsAtMs };
}

function keySource({ jwks, algorithms }: TokenSettings, { keySources, clock, logger }: Services): KeySource {
  const symmetric = algorithms.some((algorithm) => algorithm.startsWith("HS"));
  if (typeof jwks === "string" && /^https?:\/\//.test(jwks)) {
    if (symmetric) throw new Error("authenticate.jwt: keys of HS algorithms are secrets and are not fetched: put them into a file");
    return keySources.at(jwks, () => new RemoteKeys(jwks, clock, logger));
  }
  const origin = typeof jwks === "string" ? jwks : "the keys";
  try {
    const keys = JsonWebKeys.read(typeof jwks === "string" ? (JSON.parse(readFileSync(jwks, "utf8")) as unknown) : jwks);
    if (keys.size === 0) throw new Error("it holds no key that tokens can be verified with");
    return fixedKeys(keys);
  } catch (error) {
    // A parser's message quotes what it read, and that may be a secret.
    const why = error instanceof SyntaxError ? "it is not JSON" : (error as Error).message;
    throw new Error(`authenticate.jwt.jwks: ${origin} cannot be used: ${why}`, { cause: error });
  }
}

export interface ApiKeySettings {
  readonly keys: readonly ApiKeyEntry[];
  readonly file?: string | undefined;
}

export function apiKeyMethod({ keys: given, file }: ApiKeySettings): Method {
  const keys = apiKeys(given, file);
  const principals = new WeakMap<object, Principal>();
  const accept = (key: { readonly id: string; readonly claims: Principal["claims"] }): Principal => {
    let principal = principals.get(key);
    if (principal === undefined)
      principals.set(key, (principal = { kind: "api-key", id: key.id, claims: key.claims, expiresAtMs: Infinity }));
    return principal;
  };
  return {
    kind: "api-key",
    identify({ apiKey }) {
      const { accepted, fault, value } = apiKey;
      if (accepted !== undefined) return accepted;
      if (fault !== undefined) throw new CredentialsError("INVALID_API_KEY", fault);
      if (value === undefined) return undefined;
      const key = keys.verify(value);
      return key instanceof Promise ? key.then(accept) : (apiKey.accepted = accept(key));
    },
  };
}

function apiKeys(given: readonly ApiKeyEntry[], file: string | undefined): ApiKeys {
  try {
    const keys = new ApiKeys(file === undefined ? given : [...given, ...readApiKeyFile(readFileSync(file, "utf8"))]);
    if (keys.size === 0) throw new Error("there are none: set keys or file");
    return keys;
  } catch (error) {
    throw new Error(`authenticate.apiKey${file === undefined ? "" : `.file: ${file}`}: ${(error as Error).message}`, { cause: error });
  }
}

/** As TLS itself does, it looks at the certificate once, when the connection was opened: one that expires later ends neither it nor its calls. */
export function certificateMethod({ trustDomains }: { readonly trustDomains: readonly string[] }): Method {
  const principals = new WeakMap<CallerTls, Principal>();
  return {
    kind: "mtls",
    identify(_shown, { tls }) {
      if (tls === undefined) return undefined;
      const known = principals.get(tls);
      if (known !== undefined) return known;
      const id = identityOf(tls, trustDomains);
      if (id === undefined) return undefined;
      const principal: Principal = { kind: "mtls", id, claims: {}, expiresAtMs: Infinity };
      principals.set(tls, principal);
      return principal;
    },
  };
}
