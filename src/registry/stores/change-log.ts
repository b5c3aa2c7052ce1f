/**
 * The last changes of a store, for watches: what came before a watch began, and a call when more comes.
 *
 * The trap: it is bounded. A watcher that falls so far behind that its next change has left the log is told so, and reads anew.
 */
import { CompactedError, type StoreChange } from "./registry-store.ts";

const mostChanges = 20_000;

export class ChangeLog {
  private changes: StoreChange[] = [];
  /** The oldest revision whose changes are all here. */
  private oldest: number;
  private readonly watchers = new Set<() => void>();
  private closed = false;

  /** @param nextRevision the first revision that will be added */
  constructor(nextRevision: number) {
    this.oldest = nextRevision;
  }

  /** Changes of one revision, newer than all before. */
  add(changes: readonly StoreChange[]): void {
    this.changes.push(...changes);
    if (this.changes.length > mostChanges * 2) this.forget();
    for (const wake of this.watchers) wake();
  }

  close(): void {
    this.closed = true;
    for (const wake of this.watchers) wake();
  }

  /** @throws CompactedError */
  async *watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncGenerator<readonly StoreChange[]> {
    let next = fromRevision;
    while (!signal.aborted && !this.closed) {
      if (next < this.oldest) throw new CompactedError(this.oldest);
      const found = this.changes.slice(this.firstFrom(next));
      if (found.length > 0) next = found.at(-1)!.revision + 1;
      const wanted = found.filter(({ key }) => key.startsWith(prefix));
      if (wanted.length > 0) yield wanted;
      else if (found.length === 0) await this.more(signal);
    }
  }

  /** Where changes of `revision` and later begin. */
  private firstFrom(revision: number): number {
    let low = 0;
    let high = this.changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.changes[middle]!.revision < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private forget(): void {
    const kept = this.changes.slice(-mostChanges);
    // A revision that was cut in two is forgotten as a whole.
    this.oldest = kept[0]!.revision + 1;
    this.changes = kept.filter(({ revision }) => revision >= this.oldest);
  }

  private more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.watchers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.watchers.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}
