/**
 * JSON Web Tokens (RFC 7519, with the advice of RFC 8725): signature, issuer, audience and time, by algorithms that the configuration names.
 *
 * Two traps. A verified token is remembered by its hash, never by itself, and only as long as it is valid and the issuer's keys stay the
 * same. And `exp` is required: a token without an end could not be ended.
 */
import { hash } from "node:crypto";
import { errors, jwtVerify, type JWTHeaderParameters, type JWTPayload } from "jose";
import { BoundedMap } from "../core/bounded-map.ts";
import type { Clock } from "../core/clock.ts";
import { CredentialsError } from "./credentials-error.ts";
import type { KeySource } from "./key-source.ts";

export interface TokenRules {
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly clockSkewMs: number;
}

export interface VerifiedToken {
  readonly claims: Readonly<Record<string, unknown>>;
  /** Wall clock: when whoever showed it must show another. */
  readonly endsAtMs: number;
  readonly keysVersion: number;
}

const maxTokenLength = 8192;
const maxRemembered = 4096;
/** Three parts of base64url: what is signed and not encrypted. */
const form = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export class TokenVerifier {
  private readonly rules: TokenRules;
  private readonly keys: KeySource;
  private readonly clock: Clock;
  private readonly remembered = new BoundedMap<string, VerifiedToken>(maxRemembered);

  constructor(rules: TokenRules, keys: KeySource, clock: Clock) {
    this.rules = rules;
    this.keys = keys;
    this.clock = clock;
  }

  /** Whether what was found out before still holds. */
  isCurrent({ endsAtMs, keysVersion }: VerifiedToken): boolean {
    this.keys.touch();
    return keysVersion === this.keys.version && this.clock.wallMs() < endsAtMs;
  }

  /** At once where the token has been seen before. @throws CredentialsError, or rejects with it */
  verify(token: string): VerifiedToken | Promise<VerifiedToken> {
    if (token.length > maxTokenLength) throw refused(`it is larger than ${maxTokenLength / 1024} KiB`);
    if (!form.test(token)) throw refused("it is not a signed JSON Web Token");
    const key = hash("sha256", token, "base64");
    const known = this.remembered.get(key);
    if (known !== undefined && this.isCurrent(known)) return known;
    return this.check(token).then((verified) => {
      this.remembered.set(key, verified);
      return verified;
    });
  }

  private async check(token: string): Promise<VerifiedToken> {
    const { rules, keys, clock } = this;
    const nowMs = clock.wallMs();
    // Before the key is looked for: what is verified with keys that change meanwhile counts as verified with the older ones.
    let keysVersion = keys.version;
    try {
      const { payload, protectedHeader } = await jwtVerify(
        token,
        async (header) => {
          const key = await this.keyFor(header);
          keysVersion = keys.version;
          return key;
        },
        {
          algorithms: [...rules.algorithms],
          issuer: [...rules.issuers],
          audience: [...rules.audiences],
          clockTolerance: rules.clockSkewMs / 1000,
          currentDate: new Date(nowMs),
          requiredClaims: ["exp"],
        },
      );
      if (/^(application\/)?jwt$/i.test(protectedHeader.cty ?? "")) throw refused("it holds another token");
      return { claims: payload, endsAtMs: this.endOf(payload, nowMs), keysVersion };
    } catch (error) {
      throw explained(error);
    }
  }

  private async keyFor({ alg, kid, crit }: JWTHeaderParameters): ReturnType<typeof keyOf> {
    if (crit !== undefined) throw refused("it has critical extensions, and none is known here");
    if (kid !== undefined && typeof kid !== "string") throw refused("its header is malformed");
    return keyOf(await this.keys.find(alg, kid));
  }

  /** `exp`; for a token that is let in after it because clocks differ, the end of that grace. */
  private endOf({ exp }: JWTPayload, nowMs: number): number {
    const expiresAtMs = exp! * 1000;
    return expiresAtMs > nowMs ? expiresAtMs : expiresAtMs + this.rules.clockSkewMs;
  }
}

async function keyOf(key: Awaited<ReturnType<KeySource["find"]>>): Promise<NonNullable<typeof key>> {
  if (key === undefined) throw refused("its key is not known");
  return key;
}

function refused(why: string, cause?: unknown): CredentialsError {
  return new CredentialsError("INVALID_TOKEN", why, cause);
}

/** jose's errors quote what the token holds; ours do not. */
function explained(error: unknown): CredentialsError {
  if (error instanceof CredentialsError) return error;
  if (error instanceof errors.JWTExpired) return new CredentialsError("TOKEN_EXPIRED", "it has expired");
  if (error instanceof errors.JWTClaimValidationFailed) return refused(whyClaim(error.claim, error.reason));
  if (error instanceof errors.JWSSignatureVerificationFailed) return refused("its signature does not fit");
  if (error instanceof errors.JOSEAlgNotAllowed) return refused("its algorithm is not allowed");
  if (error instanceof errors.JOSENotSupported) return refused("it needs what is not supported here");
  if (error instanceof errors.JOSEError) return refused("it is malformed");
  return refused("it cannot be verified", error);
}

function whyClaim(claim: string, reason: string): string {
  if (claim === "iss") return "it is not from an issuer that is trusted here";
  if (claim === "aud") return "it is meant for another audience";
  if (claim === "nbf") return "it is not valid yet";
  if (claim === "exp" && reason === "missing") return "it has no end";
  return "its claims are malformed";
}
