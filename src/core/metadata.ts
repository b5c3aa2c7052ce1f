/**
 * A small multi-map over lower-case keys: gRPC metadata and HTTP header fields alike.
 *
 * Inside it is one flat list `[name, value, name, value, ...]`. The trap: a list handed in by {@link Metadata.share} belongs to
 * somebody else (a cached header block, say) and is copied on the first write, so its identity survives as long as nobody writes;
 * the HTTP/2 engine uses that identity to find the encoded block again. Values of `-bin` keys are kept as base64 text.
 */
export class Metadata {
  /** For a reply or status that carries none. Writing to it throws. */
  static readonly empty: Metadata = Metadata.share(Object.freeze([]));

  private list: string[];
  private shared: boolean;

  /** @param flat names (lower case) and values in turn; the list belongs to the new object from here on. */
  constructor(flat: string[] = []) {
    this.list = flat;
    this.shared = false;
  }

  /** Metadata over a list that others hold too: copied when first written to. */
  static share(flat: readonly string[]): Metadata {
    const metadata = new Metadata(flat as string[]);
    metadata.shared = true;
    return metadata;
  }

  /** From pairs or an object, for tests and configuration. */
  static from(entries: Iterable<readonly [string, string]> | Readonly<Record<string, string>>): Metadata {
    const flat: string[] = [];
    const pairs = Symbol.iterator in entries ? entries : Object.entries(entries);
    for (const [name, value] of pairs) flat.push(name.toLowerCase(), value);
    return new Metadata(flat);
  }

  /** Names and values in turn. Read only: writing goes through the methods. */
  get flat(): readonly string[] {
    return this.list;
  }

  /** The list, while it is still the one others hold too: what caches by identity may key on. */
  get sharedFlat(): readonly string[] | undefined {
    return this.shared ? this.list : undefined;
  }

  /** Number of name-value pairs. */
  get size(): number {
    return this.list.length >> 1;
  }

  /** The first value of `name`. */
  get(name: string): string | undefined {
    const { list } = this;
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) return list[i + 1];
    return undefined;
  }

  /** Every value of `name`, in the order they came. */
  getAll(name: string): string[] {
    const { list } = this;
    const values: string[] = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) values.push(list[i + 1]!);
    return values;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** The bytes of every value of a `-bin` key: base64, padded or not, several values possibly joined by commas. */
  getAllBinary(name: string): Uint8Array[] {
    return this.getAll(name).flatMap((text) => text.split(",").map((value) => Buffer.from(value.trim(), "base64")));
  }

  append(name: string, value: string): void {
    this.own().push(name, value);
  }

  appendBinary(name: string, value: Uint8Array): void {
    this.append(name, Buffer.from(value).toString("base64").replace(/=+$/, ""));
  }

  /** Replaces every value of `name` by one. */
  set(name: string, value: string): void {
    const list = this.own();
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] !== name) continue;
      list[i + 1] = value;
      removeFrom(list, name, i + 2);
      return;
    }
    list.push(name, value);
  }

  delete(name: string): void {
    if (this.has(name)) removeFrom(this.own(), name, 0);
  }

  /** Takes over a list that others hold too, as {@link Metadata.share} does. */
  replaceBy(flat: readonly string[]): void {
    this.list = flat as string[];
    this.shared = true;
  }

  /** A copy that can be written to without touching this one. */
  clone(): Metadata {
    return Metadata.share(this.list);
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (let i = 0; i < this.list.length; i += 2) yield [this.list[i]!, this.list[i + 1]!];
  }

  private own(): string[] {
    if (this.shared) {
      if (this === Metadata.empty) throw new TypeError("Metadata.empty cannot be written to");
      this.list = this.list.slice();
      this.shared = false;
    }
    return this.list;
  }
}

function removeFrom(list: string[], name: string, start: number): void {
  let keep = start;
  for (let i = start; i < list.length; i += 2) {
    if (list[i] === name) continue;
    list[keep] = list[i]!;
    list[keep + 1] = list[i + 1]!;
    keep += 2;
  }
  list.length = keep;
}
