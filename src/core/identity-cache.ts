/**
 * Remembers what was derived from the last few objects seen, by identity.
 *
 * For lists that mostly are the very same object (decoded header blocks). A WeakMap would do, but every list that never comes again
 * would cost an ephemeron to insert and to collect; here it costs one slot of a small ring.
 */
export class IdentityCache<K extends object, V> {
  private readonly keys: (K | undefined)[];
  private readonly values: (V | undefined)[];
  private readonly mask: number;
  private next = 0;
  private last = 0;

  /** @param size a power of two. */
  constructor(size = 8) {
    this.keys = new Array<K | undefined>(size).fill(undefined);
    this.values = new Array<V | undefined>(size).fill(undefined);
    this.mask = size - 1;
  }

  get(key: K): V | undefined {
    const { keys } = this;
    if (keys[this.last] === key) return this.values[this.last];
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] !== key) continue;
      this.last = i;
      return this.values[i];
    }
    return undefined;
  }

  set(key: K, value: V): V {
    const at = this.next;
    this.next = (at + 1) & this.mask;
    this.keys[at] = key;
    this.values[at] = value;
    this.last = at;
    return value;
  }
}
