/** Typed values handed from layer to layer: `const Principal = slot<string>("principal")`, never a property glued onto the call. */
export interface SlotKey<T> {
  readonly name: string;
  /** Never set; carries the type. */
  readonly type?: T;
}

export function slot<T>(name: string): SlotKey<T> {
  return { name };
}

/** The first value stands in the object itself, because most calls have but one (a Map costs 0.2 us). */
export class Slots {
  private firstKey: SlotKey<unknown> | undefined;
  private first: unknown;
  private more: Map<SlotKey<unknown>, unknown> | undefined;

  get<T>(key: SlotKey<T>): T | undefined {
    return (this.firstKey === key ? this.first : this.more?.get(key)) as T | undefined;
  }

  set<T>(key: SlotKey<T>, value: T): void {
    if (this.firstKey === undefined) this.firstKey = key;
    if (this.firstKey === key) this.first = value;
    else (this.more ??= new Map()).set(key, value);
  }
}
