/**
 * The decoder's dynamic table (RFC 7541, section 2.3.2): newest entry first, oldest evicted when the size limit is passed.
 *
 * A ring, because entries enter at one end and leave at the other: nothing is moved. It grows as needed, so that an idle connection pays
 * for no table; the size limit bounds it at one entry per 32 bytes.
 */
const entryOverheadBytes = 32;
const firstCapacity = 16;

export class DynamicTable {
  private names: string[] = [];
  private values: string[] = [];
  /** Position after the newest entry, modulo the capacity. */
  private head = 0;
  private count = 0;
  private usedBytes = 0;
  private limitBytes: number;
  /** Moves on whenever an index may have come to mean something else. */
  generation = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get length(): number {
    return this.count;
  }

  get sizeBytes(): number {
    return this.usedBytes;
  }

  /** Name of the entry `age` insertions old: 0 is the newest. The caller checks against `length`. */
  nameAt(age: number): string {
    return this.names[(this.head - 1 - age) & (this.names.length - 1)]!;
  }

  valueAt(age: number): string {
    return this.values[(this.head - 1 - age) & (this.names.length - 1)]!;
  }

  /** Adds an entry; one that is larger than the whole table empties it and is not kept (section 4.4). */
  insert(name: string, value: string): void {
    this.generation++;
    const sizeBytes = name.length + value.length + entryOverheadBytes;
    this.evictTo(this.limitBytes - sizeBytes);
    if (sizeBytes > this.limitBytes) return;
    if (this.count === this.names.length) this.grow();
    this.names[this.head] = name;
    this.values[this.head] = value;
    this.head = (this.head + 1) & (this.names.length - 1);
    this.count++;
    this.usedBytes += sizeBytes;
  }

  resize(limitBytes: number): void {
    if (limitBytes === this.limitBytes) return;
    this.generation++;
    this.limitBytes = limitBytes;
    this.evictTo(limitBytes);
  }

  private evictTo(limitBytes: number): void {
    while (this.usedBytes > limitBytes && this.count > 0) {
      const oldest = (this.head - this.count) & (this.names.length - 1);
      this.usedBytes -= this.names[oldest]!.length + this.values[oldest]!.length + entryOverheadBytes;
      this.names[oldest] = this.values[oldest] = "";
      this.count--;
    }
  }

  private grow(): void {
    const { names, values, head, count } = this;
    const capacity = names.length === 0 ? firstCapacity : names.length * 2;
    const grownNames = new Array<string>(capacity).fill("");
    const grownValues = new Array<string>(capacity).fill("");
    for (let i = 0; i < count; i++) {
      const from = (head - count + i) & (names.length - 1);
      grownNames[i] = names[from]!;
      grownValues[i] = values[from]!;
    }
    this.names = grownNames;
    this.values = grownValues;
    this.head = count;
  }
}
