/**
 * API keys, of which only hashes are kept: SHA-256 for keys that are random, scrypt for those that people chose.
 *
 * Two traps. A SHA-256 key is found by its hash, so it needs no name in it; a scrypt key is "ID.SECRET", because trying them all would take
 * seconds. And scrypt is slow on purpose: few run at a time, and what was verified is remembered by its SHA-256.
 */
import { hash, scrypt, timingSafeEqual } from "node:crypto";
import { BoundedMap } from "../core/bounded-map.ts";
import { CredentialsError } from "./credentials-error.ts";

export interface ApiKey {
  /** Who shows it. */
  readonly id: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** As the configuration has it. */
export interface ApiKeyEntry {
  readonly id: string;
  /** "sha256:" and 64 hexadecimal digits, or "$scrypt$ln=15,r=8,p=1$SALT$HASH" in base64. */
  readonly hash: string;
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

interface SlowHash {
  readonly key: ApiKey;
  readonly salt: Buffer;
  readonly expected: Buffer;
  readonly cost: { readonly N: number; readonly r: number; readonly p: number; readonly maxmem: number };
}

const fastForm = /^sha256:([0-9a-f]{64})$/i;
const slowForm = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})={0,2}\$([A-Za-z0-9+/]{22,86})={0,2}$/;
const longestKey = 512;
/** Every one takes tens of milliseconds of a thread, and 32 MiB or more. */
const maxSlowAtOnce = 2;
const maxSlowWaiting = 64;
const maxRemembered = 1024;
const maxSlowMemory = 128 * 1024 * 1024;

export class ApiKeys {
  private readonly fast = new Map<string, { readonly key: ApiKey; readonly expected: Buffer }>();
  private readonly slow = new Map<string, SlowHash>();
  private readonly proven = new BoundedMap<string, ApiKey>(maxRemembered);
  private slowRunning = 0;
  private readonly slowWaiting: (() => void)[] = [];

  /** @throws RangeError that names the entry which cannot be used */
  constructor(entries: readonly ApiKeyEntry[]) {
    for (const { id, hash: text, claims = {} } of entries) {
      const key = { id, claims };
      const fast = fastForm.exec(text)?.[1];
      if (fast !== undefined) {
        const expected = Buffer.from(fast, "hex");
        this.fast.set(expected.toString("base64"), { key, expected });
        continue;
      }
      const slow = readSlow(text, key);
      if (slow === undefined) throw new RangeError(`the hash of ${id} is neither "sha256:..." nor "$scrypt$..."`);
      if (this.slow.has(id) || id.includes(".")) throw new RangeError(`the scrypt key ${id} must have an id of its own, without "."`);
      this.slow.set(id, slow);
    }
  }

  get size(): number {
    return this.fast.size + this.slow.size;
  }

  /** Whose key it is. @throws CredentialsError, or rejects with it */
  verify(presented: string): ApiKey | Promise<ApiKey> {
    if (presented.length > longestKey) throw refused("it is too long");
    const name = hash("sha256", presented, "base64");
    const fast = this.fast.get(name);
    // Found by its hash it fits already; compared in constant time all the same, so that nothing hangs on how a map compares.
    if (fast !== undefined && timingSafeEqual(fast.expected, Buffer.from(name, "base64"))) return fast.key;
    const proven = this.proven.get(name);
    if (proven !== undefined) return proven;
    const slow = this.slow.get(presented.slice(0, Math.max(0, presented.indexOf("."))));
    if (slow === undefined) throw refused("it is not known");
    return this.verifySlowly(presented, slow, name);
  }

  private async verifySlowly(presented: string, { key, salt, expected, cost }: SlowHash, name: string): Promise<ApiKey> {
    if (this.slowWaiting.length >= maxSlowWaiting) throw new CredentialsError("KEYS_UNAVAILABLE", "too many keys wait to be verified");
    if (this.slowRunning >= maxSlowAtOnce) await new Promise<void>((resolve) => this.slowWaiting.push(resolve));
    this.slowRunning++;
    try {
      const derived = await new Promise<Buffer>((resolve, reject) =>
        scrypt(presented, salt, expected.length, cost, (error, bytes) => (error === null ? resolve(bytes) : reject(error))),
      );
      if (!timingSafeEqual(derived, expected)) throw refused("it is not known");
    } finally {
      this.slowRunning--;
      this.slowWaiting.shift()?.();
    }
    this.proven.set(name, key);
    return key;
  }
}

/** The PHC string format, as `scrypt` of passlib and others write it. */
function readSlow(text: string, key: ApiKey): SlowHash | undefined {
  const [, ln, r, p, salt, expected] = slowForm.exec(text) ?? [];
  if (expected === undefined) return undefined;
  const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p), maxmem: maxSlowMemory };
  if (cost.N < 2 || cost.r < 1 || cost.p < 1 || 128 * cost.N * cost.r * 2 > maxSlowMemory) return undefined;
  return { key, salt: Buffer.from(salt!, "base64"), expected: Buffer.from(expected, "base64"), cost };
}

/** A file of keys: "ID HASH" a line; lines that are empty or begin with # are skipped. @throws RangeError with the line's number */
export function readApiKeyFile(text: string): ApiKeyEntry[] {
  const entries: ApiKeyEntry[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [id, hashText, ...rest] = line.trim().split(/\s+/);
    if (hashText === undefined || rest.length > 0) throw new RangeError(`line ${index + 1}: expected "ID HASH"`);
    entries.push({ id: id!, hash: hashText });
  }
  return entries;
}

function refused(why: string): CredentialsError {
  return new CredentialsError("INVALID_API_KEY", why);
}
