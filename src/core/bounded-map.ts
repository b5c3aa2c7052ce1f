/** A map that holds so many entries and no more: the oldest makes room. For what callers can make up without end. */
export class BoundedMap<K, V> {
  private readonly entries = new Map<K, V>();
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: K): V | undefined {
    return this.entries.get(key);
  }

  set(key: K, value: V): void {
    // Set anew it counts as young again.
    this.entries.delete(key);
    if (this.entries.size >= this.limit)
      for (const oldest of this.entries.keys()) {
        this.entries.delete(oldest);
        break;
      }
    this.entries.set(key, value);
  }

  delete(key: K): void {
    this.entries.delete(key);
  }

  clear(): void {
    this.entries.clear();
  }
}
