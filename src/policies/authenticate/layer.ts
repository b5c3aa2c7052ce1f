/**
 * The layer of `authenticate`: who is it, may it be unknown, and until when.
 *
 * Two traps. Where a token was seen before nothing is awaited: the call goes on in the same turn. And what a caller is told of a refusal is a
 * sentence of ours; the log gets the same and who asked for what, never the credential.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Handler, Layer } from "../../core/handler.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import { PrincipalSlot, type Principal } from "../../core/principal.ts";
import { CredentialsError, type CredentialsReason } from "../../identity/credentials-error.ts";
import { LimitedLog } from "../../telemetry/limited-log.ts";
import type { PolicyCounter } from "../../telemetry/policy-counters.ts";
import type { Services } from "../policy.ts";
import { Expiry } from "./expiry.ts";
import { apiKeyMethod, certificateMethod, tokenMethod, type ApiKeySettings, type Method, type TokenSettings } from "./methods.ts";
import { readCredentials, type CredentialPlaces, type RequestCredentials } from "./request-credentials.ts";
import { ToldFields } from "./told-fields.ts";

interface Settings {
  readonly jwt?:
    | (TokenSettings & {
        readonly cookie?: string | undefined;
        readonly forward: boolean;
        readonly claims: Readonly<Record<string, string>>;
      })
    | undefined;
  readonly apiKey?:
    (ApiKeySettings & { readonly header: string; readonly cookie?: string | undefined; readonly forward: boolean }) | undefined;
  readonly mtls?: { readonly trustDomains: readonly string[] } | undefined;
  readonly require: "any" | "all";
  readonly optional: boolean;
  readonly principalHeader?: string | undefined;
}

const nobody: Principal = Object.freeze({ kind: "anonymous", id: "", claims: Object.freeze({}), expiresAtMs: Infinity });

/** What is not accepted, as it is called in messages. */
const subjects: Readonly<Record<CredentialsReason, string>> = {
  INVALID_TOKEN: "the token is not accepted",
  TOKEN_EXPIRED: "the token is not accepted",
  INVALID_API_KEY: "the API key is not accepted",
  INVALID_CERTIFICATE: "the client certificate is not accepted",
  KEYS_UNAVAILABLE: "the credentials cannot be checked",
};

/** @throws Error where keys cannot be read */
export function authenticating(settings: Settings, services: Services): Layer {
  const { jwt, apiKey, mtls, optional } = settings;
  const { metrics, logger, clock, timers } = services;
  const log = new LimitedLog(logger, clock);
  const methods: readonly Method[] = [
    ...(jwt === undefined ? [] : [tokenMethod(jwt, services)]),
    ...(apiKey === undefined ? [] : [apiKeyMethod(apiKey)]),
    ...(mtls === undefined ? [] : [certificateMethod(mtls)]),
  ];
  const [only] = methods.length === 1 ? methods : [];
  const told = new ToldFields(jwt?.claims ?? {}, settings.principalHeader);
  const places: CredentialPlaces = {
    token: jwt && { cookie: jwt.cookie, forward: jwt.forward },
    apiKey: apiKey && { header: apiKey.header, cookie: apiKey.cookie, forward: apiKey.forward },
    set: told.names,
  };
  const heads = new IdentityCache<readonly string[], RequestCredentials>(32);
  const count = (outcome: string): PolicyCounter => metrics.policies.of("authenticate", outcome);
  const counted: Readonly<Record<Principal["kind"], PolicyCounter>> = {
    jwt: count("jwt"),
    "api-key": count("api-key"),
    mtls: count("mtls"),
    anonymous: count("anonymous"),
  };
  // RFC 6750, section 3: nothing is said to be wrong where nothing was shown. RFC 9110 wants a challenge; API keys and certificates have no scheme.
  const challenge = jwt === undefined ? 'ApiKey realm="dragoman"' : 'Bearer realm="dragoman"';

  function identify(call: Call, shown: RequestCredentials): Principal | Promise<Principal> {
    if (only !== undefined) return only.identify(shown, call.caller) ?? unknown();
    return settings.require === "any" ? anyOf(call, shown) : allOf(call, shown);
  }

  function anyOf(call: Call, shown: RequestCredentials): Principal | Promise<Principal> {
    for (const method of methods) {
      const principal = method.identify(shown, call.caller);
      if (principal !== undefined) return principal;
    }
    return unknown();
  }

  async function allOf(call: Call, shown: RequestCredentials): Promise<Principal> {
    const found = await Promise.all(methods.map(async (method) => method.identify(shown, call.caller)));
    const principals = found.filter((principal) => principal !== undefined);
    if (principals.length === 0) return unknown();
    if (principals.length < methods.length) throw missing();
    return { ...principals[0]!, expiresAtMs: Math.min(...principals.map(({ expiresAtMs }) => expiresAtMs)) };
  }

  function unknown(): Principal {
    if (optional) return nobody;
    throw missing();
  }

  function missing(): CallError {
    return new CallError("MISSING_CREDENTIALS", undefined, { source: "caller", headers: ["www-authenticate", challenge] });
  }

  function refusal(thrown: unknown, call: Call): CallError {
    const error = thrown instanceof CredentialsError ? refusalOf(thrown) : CallError.of(thrown);
    const { reason, message, cause } = error;
    count(reason).count++;
    const { id, method, caller } = call;
    log.warn("a caller was refused", {
      id,
      method: method.path.slice(0, 256),
      peer: caller.address,
      reason,
      why: message,
      ...(cause instanceof CredentialsError && cause.cause !== undefined ? { cause: cause.cause } : {}),
    });
    return error;
  }

  function refusalOf(refused: CredentialsError): CallError {
    const { reason, message: why } = refused;
    const message = `${subjects[reason]}: ${why}`;
    if (reason === "KEYS_UNAVAILABLE") return new CallError(reason, message, { cause: refused });
    const isToken = reason === "INVALID_TOKEN" || reason === "TOKEN_EXPIRED";
    const value = isToken ? `Bearer realm="dragoman", error="invalid_token", error_description="${message}"` : challenge;
    return new CallError(reason, message, { source: "caller", cause: refused, headers: ["www-authenticate", value] });
  }

  /** The call has credentials that are in order, or needs none. */
  function admit(call: Call, shown: RequestCredentials, principal: Principal): void {
    counted[principal.kind].count++;
    call.slots.set(PrincipalSlot, principal);
    told.add(call, principal);
    if (!call.method.unary && principal.expiresAtMs !== Infinity)
      Expiry.watch(call, principal, { timers, clock, renewed: (authorization) => renewed(call, shown, authorization), refusal });
  }

  /** Who shows this token in place of the former. @throws CredentialsError, or rejects with it */
  async function renewed(call: Call, shown: RequestCredentials, authorization: string): Promise<Principal> {
    return identify(call, { ...shown, token: readCredentials(["authorization", authorization], places).token });
  }

  return (next: Handler): Handler =>
    (call) => {
      const { flat } = call.metadata;
      const shown = heads.get(flat) ?? heads.set(flat, readCredentials(flat, places));
      let principal: Principal | Promise<Principal>;
      try {
        principal = identify(call, shown);
      } catch (thrown) {
        throw refusal(thrown, call);
      }
      if (shown.metadata !== flat) call.metadata.replaceBy(shown.metadata);
      if (principal instanceof Promise)
        return principal.then(
          (found) => {
            call.throwIfCancelled();
            admit(call, shown, found);
            return next(call);
          },
          (thrown: unknown) => {
            throw refusal(thrown, call);
          },
        );
      admit(call, shown, principal);
      return next(call);
    };
}
