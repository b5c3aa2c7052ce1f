/** An issuer of tokens for tests: its keys, tokens of any shape, and its key set on a port of this machine. */
import { createHmac } from "node:crypto";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from "jose";
import { startHttpServer, type HttpServer } from "./http-server.ts";

export const issuerName = "https://issuer.example";
export const audienceName = "orders";

export interface TokenOptions {
  /** Over the claims that are in order; undefined takes one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly lifetimeMs?: number;
}

export class Issuer {
  readonly kid: string;
  readonly alg: string;
  private readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
  private readonly nowMs: () => number;

  private constructor(kid: string, alg: string, keys: { privateKey: CryptoKey; publicKey: CryptoKey }, jwk: JWK, nowMs: () => number) {
    this.kid = kid;
    this.alg = alg;
    this.privateKey = keys.privateKey;
    this.publicKey = keys.publicKey;
    this.jwk = { ...jwk, kid, alg, use: "sig" };
    this.nowMs = nowMs;
  }

  static async create(nowMs: () => number, kid = "k1", alg = "ES256"): Promise<Issuer> {
    const keys = await generateKeyPair(alg, { extractable: true });
    return new Issuer(kid, alg, keys, await exportJWK(keys.publicKey), nowMs);
  }

  get keySet(): { readonly keys: readonly JWK[] } {
    return { keys: [this.jwk] };
  }

  claims({ claims = {}, lifetimeMs = 3_600_000 }: TokenOptions = {}): JWTPayload {
    const seconds = this.nowMs() / 1000;
    const all = { iss: issuerName, aud: audienceName, sub: "alice", iat: Math.floor(seconds), exp: seconds + lifetimeMs / 1000, ...claims };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  }

  token(options: TokenOptions = {}): Promise<string> {
    return new SignJWT(this.claims(options))
      .setProtectedHeader({ alg: this.alg, kid: this.kid, ...options.header })
      .sign(this.privateKey, { crit: { exotic: false } });
  }

  /** Signed by nobody. */
  unsigned(options: TokenOptions = {}): string {
    return `${encoded({ alg: "none", typ: "JWT" })}.${encoded(this.claims(options))}.`;
  }

  /** The public key, which everybody knows, taken for an HMAC secret. */
  async confused(): Promise<string> {
    const signed = `${encoded({ alg: "HS256", kid: this.kid })}.${encoded(this.claims())}`;
    return `${signed}.${createHmac("sha256", await exportSPKI(this.publicKey))
      .update(signed)
      .digest("base64url")}`;
  }

  /** Its key set over HTTP; `answer` may put something else in its place. */
  serve(answer: () => unknown = () => this.keySet): Promise<HttpServer> {
    return startHttpServer((_request, response) => {
      const value = answer();
      if (typeof value === "number") response.writeHead(value).end();
      else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    });
  }
}

export function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
