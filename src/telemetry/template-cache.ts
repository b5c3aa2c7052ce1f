/**
 * Span templates of one method, found again by what they differ in.
 *
 * Calls mostly end alike, so the entry used last is looked at first and the few others are walked through. The trap: a key must be made of
 * things that are compared by identity, and a bound is needed all the same, because reasons and statuses multiply.
 */
interface Entry {
  readonly key: readonly unknown[];
  readonly template: Uint8Array;
}

const longest = 32;

export class TemplateCache {
  private readonly entries: Entry[] = [];
  private last: Entry | undefined;
  private next = 0;

  find(a: unknown, b: unknown, c: unknown, d: unknown, e: unknown, f: unknown): Uint8Array | undefined {
    const { last, entries } = this;
    if (last !== undefined && matches(last.key, a, b, c, d, e, f)) return last.template;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (!matches(entry.key, a, b, c, d, e, f)) continue;
      this.last = entry;
      return entry.template;
    }
    return undefined;
  }

  add(key: readonly [unknown, unknown, unknown, unknown, unknown, unknown], template: Uint8Array): Uint8Array {
    const entry = { key, template };
    this.last = this.entries[this.next] = entry;
    this.next = (this.next + 1) % longest;
    return template;
  }
}

function matches(key: readonly unknown[], a: unknown, b: unknown, c: unknown, d: unknown, e: unknown, f: unknown): boolean {
  return key[0] === a && key[1] === b && key[2] === c && key[3] === d && key[4] === e && key[5] === f;
}
