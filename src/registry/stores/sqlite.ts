/**
 * Entries in one file, by the SQLite that comes with Node: for one registry process that may be killed at any moment.
 *
 * The traps: every call is synchronous, so it must be short; the log is written ahead and synced at checkpoints (WAL, synchronous=NORMAL), so a
 * killed process loses nothing and a power cut perhaps the last writes; and leases begin anew when the file is opened, because nobody could keep
 * them while the registry was down.
 */
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../core/clock.ts";
import { ChangeLog } from "./change-log.ts";
import { Leases } from "./leases.ts";
import { ConflictError, LeaseError, StoreUnavailable, type RegistryStore, type StoredEntry } from "./registry-store.ts";

const layout = 1;
const busyTimeoutMs = 2000;

const tables = `
  CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL, lease TEXT) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entries_by_lease ON entries (lease) WHERE lease IS NOT NULL;
  CREATE TABLE IF NOT EXISTS leases (id TEXT PRIMARY KEY, ttl_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS counter (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL);
  INSERT OR IGNORE INTO counter VALUES (1, 0);
`;

/** @throws Error that names the file and says what is wrong with it */
export function createSqliteStore(path: string, clock: Clock): RegistryStore {
  const db = open(path);
  const sql = {
    read: db.prepare("SELECT key, value, revision FROM entries WHERE key >= ? AND key < ? ORDER BY key"),
    one: db.prepare("SELECT revision FROM entries WHERE key = ?"),
    put: db.prepare("INSERT INTO entries VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = ?2, revision = ?3, lease = ?4"),
    drop: db.prepare("DELETE FROM entries WHERE key = ?"),
    ofLease: db.prepare("SELECT key FROM entries WHERE lease = ?"),
    dropOfLease: db.prepare("DELETE FROM entries WHERE lease = ?"),
    leases: db.prepare("SELECT id, ttl_ms FROM leases"),
    grant: db.prepare("INSERT INTO leases VALUES (?, ?)"),
    dropLease: db.prepare("DELETE FROM leases WHERE id = ?"),
    revision: db.prepare("SELECT revision FROM counter"),
    next: db.prepare("UPDATE counter SET revision = revision + 1 RETURNING revision"),
  };
  const log = new ChangeLog(current() + 1);
  const leases = new Leases(clock, end);
  for (const { id, ttl_ms } of sql.leases.all() as unknown as { id: string; ttl_ms: number }[]) leases.grant(ttl_ms, id);

  function current(): number {
    return (sql.revision.get() as { revision: number }).revision;
  }

  /** What is written together is there together, or not at all. */
  function transaction<T>(work: () => T): T {
    db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      db.exec("COMMIT");
      return result;
    } catch (error) {
      db.exec("ROLLBACK");
      throw error;
    }
  }

  function next(): number {
    return (sql.next.get() as { revision: number }).revision;
  }

  function end(lease: string): void {
    const ended = transaction(() => {
      const keys = (sql.ofLease.all(lease) as unknown as { key: string }[]).map(({ key }) => key);
      sql.dropLease.run(lease);
      if (keys.length === 0) return undefined;
      sql.dropOfLease.run(lease);
      return { revision: next(), keys };
    });
    if (ended !== undefined) log.add(ended.keys.map((key) => ({ revision: ended.revision, key, value: undefined })));
  }

  function check(key: string, expected: number | undefined): number {
    const found = (sql.one.get(key) as { revision: number } | undefined)?.revision ?? 0;
    if (expected !== undefined && expected !== found) throw new ConflictError(`${key} is at revision ${found}, not ${expected}`);
    return found;
  }

  /** Errors of the file system are not the writer's fault. */
  async function guarded<T>(work: () => T): Promise<T> {
    try {
      return await Promise.resolve(work());
    } catch (error) {
      if (error instanceof ConflictError || error instanceof LeaseError) throw error;
      throw new StoreUnavailable(`the registry's file ${path} cannot be used: ${(error as Error).message}`, { cause: error });
    }
  }

  return {
    kind: "sqlite",
    read: (prefix) =>
      guarded(() =>
        transaction(() => ({ revision: current(), entries: sql.read.all(prefix, `${prefix}\u{10ffff}`) as unknown as StoredEntry[] })),
      ),
    write: (key, value, { expected, lease } = {}) =>
      guarded(() => {
        if (lease !== undefined && !leases.has(lease)) throw new LeaseError("the lease has run out");
        const revision = transaction(() => {
          check(key, expected);
          const written = next();
          sql.put.run(key, value, written, lease ?? null);
          return written;
        });
        log.add([{ revision, key, value }]);
        return revision;
      }),
    remove: (key, expected) =>
      guarded(() => {
        const revision = transaction(() => {
          if (check(key, expected) === 0) return undefined;
          sql.drop.run(key);
          return next();
        });
        if (revision !== undefined) log.add([{ revision, key, value: undefined }]);
        return revision;
      }),
    watch: (prefix, fromRevision, signal) => log.watch(prefix, fromRevision, signal),
    grantLease: (ttlMs) =>
      guarded(() => {
        const id = leases.grant(ttlMs);
        sql.grant.run(id, ttlMs);
        return id;
      }),
    keepLease: (lease) => guarded(() => leases.keep(lease)),
    revokeLease: (lease) => guarded(() => void (leases.drop(lease) && end(lease))),
    close() {
      leases.close();
      log.close();
      db.close();
    },
  };
}

function open(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: busyTimeoutMs });
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
    const { user_version: found } = db.prepare("PRAGMA user_version").get() as { user_version: number };
    if (found > layout) throw new Error(`it was written by a later version (layout ${found}, this one knows ${layout})`);
    db.exec(tables);
    db.exec(`PRAGMA user_version = ${layout}`);
    return db;
  } catch (error) {
    db?.close();
    throw new Error(`the registry's file ${path} cannot be used: ${(error as Error).message}`, { cause: error });
  }
}
