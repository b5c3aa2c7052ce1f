/**
 * Typed values handed from layer to layer: `const Principal = slot<string>("principal")`, never a property glued onto the call.
 *
 * Most calls carry one or two, so they stand in a short list that is searched: a Map per call would cost more than all that is put into it.
 */
export interface SlotKey<T> {
  readonly name: string;
  /** Never set; carries the type. */
  readonly type?: T;
}

export function slot<T>(name: string): SlotKey<T> {
  return { name };
}

export class Slots {
  private firstKey: SlotKey<unknown> | undefined;
  private firstValue: unknown;
  /** Keys and values in turn. */
  private more: unknown[] | undefined;

  get<T>(key: SlotKey<T>): T | undefined {
    if (this.firstKey === key) return this.firstValue as T;
    const { more } = this;
    if (more !== undefined) for (let i = 0; i < more.length; i += 2) if (more[i] === key) return more[i + 1] as T;
    return undefined;
  }

  set<T>(key: SlotKey<T>, value: T): void {
    if (this.firstKey === undefined || this.firstKey === key) {
      this.firstKey = key;
      this.firstValue = value;
      return;
    }
    const more = (this.more ??= []);
    for (let i = 0; i < more.length; i += 2) {
      if (more[i] !== key) continue;
      more[i + 1] = value;
      return;
    }
    more.push(key, value);
  }
}
