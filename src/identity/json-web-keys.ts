/**
 * A JSON Web Key Set (RFC 7517) as tokens are verified with it: the key for a header's `alg` and `kid`, and no other.
 *
 * The trap: the key decides which algorithms it serves, not the token. An RSA key never becomes an HMAC secret, whatever `alg` says; and what
 * a token's header offers as a key (`jwk`, `jku`, `x5c`, `x5u`) is not looked at.
 */
import { importJWK, type CryptoKey, type JWK } from "jose";

const maxKeys = 100;

/** Key type, and curve where there is one, that an algorithm takes (RFC 7518, section 3.1; RFC 8037; RFC 9864). */
function suits({ kty, crv }: JWK, alg: string): boolean {
  switch (alg.slice(0, 2)) {
    case "RS":
    case "PS":
      return kty === "RSA";
    case "ES":
      return kty === "EC" && crv === { ES256: "P-256", ES384: "P-384", ES512: "P-521" }[alg];
    case "Ed":
      return kty === "OKP" && crv === "Ed25519";
    case "HS":
      return kty === "oct";
    default:
      return false;
  }
}

export class JsonWebKeys {
  private readonly keys: readonly JWK[];
  private readonly imported = new Map<string, Promise<CryptoKey | Uint8Array>>();

  private constructor(keys: readonly JWK[]) {
    this.keys = keys;
  }

  /** Keys of kinds nobody here knows are left out. @throws Error that says why it is no key set */
  static read(value: unknown): JsonWebKeys {
    const keys = (value as { keys?: unknown } | null)?.keys;
    if (!Array.isArray(keys)) throw new Error('it is not a key set: {"keys": [...]}');
    if (keys.length > maxKeys) throw new Error(`it holds more than ${maxKeys} keys`);
    return new JsonWebKeys(keys.filter(isSigningKey));
  }

  get size(): number {
    return this.keys.length;
  }

  /** The same key material as in `other`. */
  equals(other: JsonWebKeys): boolean {
    return JSON.stringify(this.keys) === JSON.stringify(other.keys);
  }

  /** The one key that a token with this header may be signed with; undefined for none, or where more than one could be meant. */
  find(alg: string, kid: string | undefined): Promise<CryptoKey | Uint8Array> | undefined {
    const fit = this.keys.filter((key) => (kid === undefined || key.kid === kid) && (key.alg ?? alg) === alg && suits(key, alg));
    const [key] = fit;
    if (key === undefined || fit.length > 1) return undefined;
    const name = `${this.keys.indexOf(key)} ${alg}`;
    let imported = this.imported.get(name);
    if (imported === undefined) this.imported.set(name, (imported = importJWK(publicPart(key), alg)));
    return imported;
  }
}

function isSigningKey(value: unknown): value is JWK {
  if (typeof value !== "object" || value === null) return false;
  const { kty, use, key_ops: operations, kid, alg } = value as Record<string, unknown>;
  if (kty !== "RSA" && kty !== "EC" && kty !== "OKP" && kty !== "oct") return false;
  if ((kid !== undefined && typeof kid !== "string") || (alg !== undefined && typeof alg !== "string")) return false;
  return (use === undefined || use === "sig") && (!Array.isArray(operations) || operations.includes("verify"));
}

/** A set that holds private keys by mistake still only verifies. */
function publicPart({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, key_ops: _operations, ...key }: JWK): JWK {
  return key;
}
