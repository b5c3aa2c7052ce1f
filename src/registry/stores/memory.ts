/** Entries in memory: for tests, for trying things out, and for meshes whose services register again within seconds anyway. */
import type { Clock } from "../../core/clock.ts";
import { ChangeLog } from "./change-log.ts";
import { Leases } from "./leases.ts";
import { ConflictError, LeaseError, type RegistryStore, type StoreChange, type StoredEntry } from "./registry-store.ts";

interface Held extends StoredEntry {
  readonly lease: string | undefined;
}

export function createMemoryStore(clock: Clock): RegistryStore {
  const entries = new Map<string, Held>();
  const byLease = new Map<string, Set<string>>();
  const log = new ChangeLog(1);
  let revision = 0;

  const leases = new Leases(clock, end);

  function put(key: string, held: Held | undefined): void {
    const before = entries.get(key)?.lease;
    if (before !== undefined) byLease.get(before)?.delete(key);
    if (held === undefined) entries.delete(key);
    else entries.set(key, held);
    if (held?.lease === undefined) return;
    const keys = byLease.get(held.lease) ?? new Set();
    byLease.set(held.lease, keys.add(key));
  }

  /** The entries of a lease that is over go at one revision. */
  function end(lease: string): void {
    const keys = [...(byLease.get(lease) ?? [])];
    byLease.delete(lease);
    if (keys.length === 0) return;
    revision++;
    for (const key of keys) put(key, undefined);
    log.add(keys.map((key): StoreChange => ({ revision, key, value: undefined })));
  }

  function check(key: string, expected: number | undefined): void {
    const found = entries.get(key)?.revision ?? 0;
    if (expected !== undefined && expected !== found) throw new ConflictError(`${key} is at revision ${found}, not ${expected}`);
  }

  return {
    kind: "memory",
    async read(prefix) {
      const found = [...entries.values()].filter(({ key }) => key.startsWith(prefix));
      return { revision, entries: found.map(({ key, value, revision: at }) => ({ key, value, revision: at })).sort(byKey) };
    },
    async write(key, value, { expected, lease } = {}) {
      check(key, expected);
      if (lease !== undefined && !leases.has(lease)) throw new LeaseError("the lease has run out");
      revision++;
      put(key, { key, value, revision, lease });
      log.add([{ revision, key, value }]);
      return revision;
    },
    async remove(key, expected) {
      check(key, expected);
      if (!entries.has(key)) return undefined;
      revision++;
      put(key, undefined);
      log.add([{ revision, key, value: undefined }]);
      return revision;
    },
    watch: (prefix, fromRevision, signal) => log.watch(prefix, fromRevision, signal),
    grantLease: async (ttlMs) => leases.grant(ttlMs),
    keepLease: async (lease) => leases.keep(lease),
    async revokeLease(lease) {
      if (leases.drop(lease)) end(lease);
    },
    close() {
      leases.close();
      log.close();
    },
  };
}

function byKey(a: StoredEntry, b: StoredEntry): number {
  return a.key < b.key ? -1 : 1;
}
