/**
 * Where an issuer's keys come from: an address that is asked again and again, or a value that does not change.
 *
 * Two traps. The last good keys are kept while the issuer is away, however long; and an unknown key id makes the source ask again, but not
 * more often than every thirty seconds, or callers could make it hammer the issuer by inventing ids.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { CredentialsError } from "./credentials-error.ts";
import { fetchJson } from "./fetch-json.ts";
import { JsonWebKeys } from "./json-web-keys.ts";

export interface KeySource {
  /** Counts the changes of the keys: what was verified with older ones must be verified anew. */
  readonly version: number;
  /** Says that the keys are in use, so that they are refreshed in time. Costs a comparison. */
  touch(): void;
  /** The key for a token's header; asks the issuer first where nothing fits. Undefined: there is none. @throws CredentialsError KEYS_UNAVAILABLE */
  find(alg: string, kid: string | undefined): Promise<KeyOf | undefined>;
}

type KeyOf = Awaited<NonNullable<ReturnType<JsonWebKeys["find"]>>>;

/** Keys that are known and stay. */
export function fixedKeys(keys: JsonWebKeys): KeySource {
  return { version: 0, touch() {}, find: async (alg, kid) => keys.find(alg, kid) };
}

const freshMs = 5 * 60_000;
const cooldownMs = 30_000;
/** Between attempts while there are no keys at all: calls wait for them. */
const urgentMs = 1000;
const timeoutMs = 5000;
const maxBytes = 256 * 1024;

export class RemoteKeys implements KeySource {
  version = 0;
  private readonly url: string;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private keys: JsonWebKeys | undefined;
  private askedAtMs = -Infinity;
  private staleAtMs = -Infinity;
  private asking: Promise<void> | undefined;
  private failing = false;

  constructor(url: string, clock: Clock, logger: Logger) {
    this.url = url;
    this.clock = clock;
    this.logger = logger;
  }

  touch(): void {
    const nowMs = this.clock.nowMs();
    if (nowMs >= this.staleAtMs && nowMs - this.askedAtMs >= cooldownMs) void this.ask();
  }

  async find(alg: string, kid: string | undefined): Promise<KeyOf | undefined> {
    if (this.keys === undefined) await this.askIfOlder(urgentMs);
    else this.touch();
    if (this.keys === undefined) throw new CredentialsError("KEYS_UNAVAILABLE", "the issuer's keys cannot be had");
    const key = this.keys.find(alg, kid);
    if (key !== undefined) return key;
    await this.askIfOlder(cooldownMs);
    return this.keys.find(alg, kid);
  }

  private askIfOlder(ageMs: number): Promise<void> | undefined {
    return this.asking ?? (this.clock.nowMs() - this.askedAtMs >= ageMs ? this.ask() : undefined);
  }

  /** Never rejects. One question at a time. */
  private ask(): Promise<void> {
    return (this.asking ??= this.fetch().finally(() => (this.asking = undefined)));
  }

  private async fetch(): Promise<void> {
    const { clock, logger, url } = this;
    this.askedAtMs = clock.nowMs();
    try {
      const keys = JsonWebKeys.read(await fetchJson(url, { timeoutMs, maxBytes }));
      if (keys.size === 0) throw new Error("it holds no key that tokens can be verified with");
      this.staleAtMs = clock.nowMs() + freshMs;
      if (this.keys === undefined || !keys.equals(this.keys)) {
        this.keys = keys;
        this.version++;
        logger.info("keys loaded", { url, keys: keys.size });
      } else if (this.failing) logger.info("keys can be had again", { url });
      this.failing = false;
    } catch (error) {
      if (!this.failing) {
        const held = this.keys === undefined ? "tokens cannot be verified" : "the last ones stay in use";
        logger.warn(`keys cannot be had; ${held}`, { url, why: (error as Error).message });
      }
      this.failing = true;
    }
  }
}
