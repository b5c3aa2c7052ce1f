/** Typed values handed from layer to layer: `const Principal = slot<string>("principal")`, never a property glued onto the call. */
export interface SlotKey<T> {
  readonly name: string;
  /** Never set; carries the type. */
  readonly type?: T;
}

export function slot<T>(name: string): SlotKey<T> {
  return { name };
}

export class Slots {
  private values: Map<SlotKey<unknown>, unknown> | undefined;

  get<T>(key: SlotKey<T>): T | undefined {
    return this.values?.get(key) as T | undefined;
  }

  set<T>(key: SlotKey<T>, value: T): void {
    (this.values ??= new Map()).set(key, value);
  }
}
