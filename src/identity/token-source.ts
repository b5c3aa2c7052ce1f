/**
 * Our own token at a service, by the client credentials grant (RFC 6749, section 4.4).
 *
 * Two traps. One question at a time, however many calls wait for it. And the token is renewed when a fifth of its life is left, while calls
 * go on with the old one: an authorization server that is away is noticed only when it stays away until the token has ended.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { fetchJson } from "./fetch-json.ts";

export interface TokenSourceOptions {
  readonly url: string;
  readonly clientId: string;
  readonly secret: string;
  readonly scope?: string | undefined;
  readonly audience?: string | undefined;
}

const timeoutMs = 5000;
const maxBytes = 64 * 1024;
/** RFC 6749 leaves out when the token ends where both sides know it; we do not. */
const assumedLifeMs = 300_000;
const shortestLifeMs = 1000;
const longestLifeMs = 24 * 3_600_000;
/** After a failure. */
const pauseMs = 1000;

export class TokenSource {
  private readonly options: TokenSourceOptions;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private current: string | undefined;
  private endsAtMs = -Infinity;
  private renewAtMs = -Infinity;
  private failure: Error | undefined;
  private asking: Promise<string> | undefined;

  constructor(options: TokenSourceOptions, clock: Clock, logger: Logger) {
    this.options = options;
    this.clock = clock;
    this.logger = logger;
  }

  /** At once while there is one that holds. Rejects when there is none and none is given. */
  token(): string | Promise<string> {
    const nowMs = this.clock.nowMs();
    const { current } = this;
    if (current !== undefined && nowMs < this.endsAtMs) {
      // What it fails with is logged; calls still have the old one.
      if (nowMs >= this.renewAtMs && this.asking === undefined) this.ask().catch(() => undefined);
      return current;
    }
    if (this.asking !== undefined) return this.asking;
    if (this.failure !== undefined && nowMs < this.renewAtMs) return Promise.reject(this.failure);
    return this.ask();
  }

  private ask(): Promise<string> {
    return (this.asking ??= this.fetch().finally(() => (this.asking = undefined)));
  }

  private async fetch(): Promise<string> {
    const { clientId, secret, url, scope, audience } = this.options;
    const form = new URLSearchParams({ grant_type: "client_credentials" });
    if (scope !== undefined) form.set("scope", scope);
    if (audience !== undefined) form.set("audience", audience);
    // RFC 6749, section 2.3.1: both are form-encoded before they are joined.
    const basic = Buffer.from(`${formEncoded(clientId)}:${formEncoded(secret)}`).toString("base64");
    try {
      const { token, lifeMs } = read(await fetchJson(url, { timeoutMs, maxBytes, form, headers: { authorization: `Basic ${basic}` } }));
      const nowMs = this.clock.nowMs();
      this.current = token;
      this.endsAtMs = nowMs + lifeMs;
      this.renewAtMs = nowMs + lifeMs * 0.8;
      this.failure = undefined;
      return token;
    } catch (error) {
      this.renewAtMs = this.clock.nowMs() + pauseMs;
      if (this.failure === undefined) this.logger.warn("no token can be had for the upstream", { url, why: (error as Error).message });
      this.failure = error as Error;
      throw error;
    }
  }
}

function read(answer: unknown): { readonly token: string; readonly lifeMs: number } {
  const { access_token: token, token_type: type, expires_in: seconds } = (answer ?? {}) as Record<string, unknown>;
  if (typeof token !== "string" || !/^[\x21-\x7e]{1,16384}$/.test(token)) throw new Error("the answer holds no access_token");
  if (type !== undefined && (typeof type !== "string" || type.toLowerCase() !== "bearer"))
    throw new Error("the answer's token_type is not Bearer");
  const life = Number(seconds) * 1000;
  return { token, lifeMs: Math.min(Math.max(Number.isFinite(life) && life > 0 ? life : assumedLifeMs, shortestLifeMs), longestLifeMs) };
}

function formEncoded(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}
