/**
 * What an encoder knows about one field name: its index, how it may be represented, and under which indices which of its values stand.
 *
 * Positions are absolute: static entries keep their index, dynamic ones count from {@link firstDynamic} in the order of their insertion and
 * are made relative when written, so that an insertion changes none of them.
 */
import { traitOf, type FieldTrait } from "./field-traits.ts";
import { staticCount, staticIndexByName, staticNames, staticValues } from "./static-table.ts";

export const firstDynamic = staticCount + 1;

/** Longer values are not worth a place in a table of a few kilobytes. */
const longestIndexedBytes = 512;

export class KnownField {
  readonly name: string;
  readonly trait: FieldTrait;
  /** First static entry with this name; 0 when there is none. */
  readonly staticIndex: number;
  private readonly values: string[] = [];
  private readonly positions: number[] = [];
  private readonly staticValueCount: number;
  /** The last two values that were seen and are not in the table: what is seen again is worth inserting. Two, because values alternate. */
  private candidate = "";
  private olderCandidate = "";

  constructor(name: string) {
    this.name = name;
    this.trait = traitOf(name);
    this.staticIndex = staticIndexByName.get(name) ?? 0;
    if (this.staticIndex > 0) {
      for (let index = this.staticIndex; staticNames[index] === name; index++) {
        this.values.push(staticValues[index]!);
        this.positions.push(index);
      }
    }
    this.staticValueCount = this.values.length;
  }

  /** Position of the entry that has this name and `value`, or 0. */
  find(value: string): number {
    const { values } = this;
    for (let i = 0; i < values.length; i++) if (values[i] === value) return this.positions[i]!;
    return 0;
  }

  /** Position of any entry that has this name, or 0. */
  get namePosition(): number {
    return this.staticIndex > 0 || this.positions.length === 0 ? this.staticIndex : this.positions[0]!;
  }

  get insertedCount(): number {
    return this.values.length - this.staticValueCount;
  }

  /** Is `value` worth a place in the table? Not before it has been seen a second time, unless the whole list `repeats`. */
  deservesIndex(value: string, repeats: boolean): boolean {
    if (this.trait === "secret" || this.trait === "volatile" || value.length > longestIndexedBytes) return false;
    if (repeats) return true;
    if (this.trait === "bulky") return false;
    if (value === this.candidate || value === this.olderCandidate) return true;
    this.olderCandidate = this.candidate;
    this.candidate = value;
    return false;
  }

  add(value: string, position: number): void {
    this.values.push(value);
    this.positions.push(position);
  }

  /** Forgets the dynamic entries from `position` on. */
  forgetFrom(position: number): void {
    let keep = this.staticValueCount;
    for (let i = keep; i < this.positions.length; i++) {
      if (this.positions[i]! >= position) continue;
      this.values[keep] = this.values[i]!;
      this.positions[keep++] = this.positions[i]!;
    }
    this.values.length = this.positions.length = keep;
  }
}
