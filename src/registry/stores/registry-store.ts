/**
 * What the registry keeps its entries in: keys and values with revisions, leases that take entries with them, and watches that miss nothing.
 *
 * The trap: a revision is of the whole store, not of a key. Whoever has read at revision r and watches from r + 1 has seen everything once;
 * a store that no longer holds r + 1 says so (`CompactedError`), and the reader reads anew.
 */
import type { Closable } from "../../core/close-stack.ts";

export interface StoredEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** The revision at which the key was written last. */
  readonly revision: number;
}

export interface StoreChange {
  readonly revision: number;
  readonly key: string;
  /** Undefined: the key was removed, or its lease ran out. */
  readonly value: Uint8Array | undefined;
}

interface WriteOptions {
  /** The revision the key must have; 0: it must not exist; undefined: whatever it has. */
  readonly expected?: number | undefined;
  /** The entry goes when this lease does. */
  readonly lease?: string | undefined;
}

export interface RegistryStore extends Closable {
  /** Word of the configuration. */
  readonly kind: string;
  /** All entries whose key begins with `prefix`, as they were at `revision`. */
  read(prefix: string): Promise<{ readonly revision: number; readonly entries: readonly StoredEntry[] }>;
  /** @returns the new revision. @throws ConflictError when the key has another revision than the expected one, LeaseError when there is no such lease */
  write(key: string, value: Uint8Array, options?: WriteOptions): Promise<number>;
  /** @returns the new revision; undefined when there was no such key. @throws ConflictError as `write` does */
  remove(key: string, expected?: number): Promise<number | undefined>;
  /**
   * Changes of keys that begin with `prefix`, in order, from `fromRevision` on, those of one revision together; ends when `signal` aborts.
   * @throws CompactedError when the store no longer holds what came then
   */
  watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncIterable<readonly StoreChange[]>;
  /** A lease of `ttlMs`, which takes its entries with it unless it is kept. */
  grantLease(ttlMs: number): Promise<string>;
  /** Another `ttlMs` from now. @throws LeaseError when it has run out */
  keepLease(lease: string): Promise<void>;
  /** Ends the lease now, and its entries with it. Nothing when there is none. */
  revokeLease(lease: string): Promise<void>;
}

/** The key has another revision than the writer believed. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
}

/** The lease has run out, or never was. */
export class LeaseError extends Error {
  override readonly name = "LeaseError";
}

/** What is asked for has been forgotten; `revision` is the oldest that is still known. */
export class CompactedError extends Error {
  override readonly name = "CompactedError";
  readonly revision: number;

  constructor(revision: number) {
    super(`changes before revision ${revision} are no longer known`);
    this.revision = revision;
  }
}

/** The store is there no more, or cannot be reached. Trying again later may help. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}
