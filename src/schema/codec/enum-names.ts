/**
 * The names of an enum's values, as a profile prints and reads them.
 *
 * The trap: a name without its prefix may be another value's name, or look like a number. Then the prefix stays. Full names are always read,
 * and where two names differ in nothing but case, each is read as it is written.
 */
import type { JsonProfile } from "../../core/message-type.ts";
import type { EnumDescriptor } from "../descriptor.ts";

/** What of a profile is about the names of enums. */
export type EnumProfile = Pick<JsonProfile, "stripEnumPrefix" | "caseInsensitiveEnums">;

export interface EnumNames {
  /** The first value listed with a number is the one printed. */
  readonly printed: ReadonlyMap<number, string>;
  /** Every name that is read. */
  readonly numbers: ReadonlyMap<string, number>;
  /** The number of a name; undefined for none. */
  numberOf(name: string): number | undefined;
}

/** By the two bits of the profile. */
const known = new WeakMap<EnumDescriptor, (EnumNames | undefined)[]>();

export function enumNames(type: EnumDescriptor, profile: EnumProfile): EnumNames {
  let list = known.get(type);
  if (list === undefined) known.set(type, (list = []));
  const bits = (profile.stripEnumPrefix ? 1 : 0) | (profile.caseInsensitiveEnums ? 2 : 0);
  return (list[bits] ??= new NameTable(type, profile));
}

class NameTable implements EnumNames {
  readonly printed: ReadonlyMap<number, string>;
  readonly numbers: ReadonlyMap<string, number>;
  private readonly folded: ReadonlyMap<string, number> | undefined;

  constructor(type: EnumDescriptor, { stripEnumPrefix, caseInsensitiveEnums }: EnumProfile) {
    const short = stripEnumPrefix ? shortNames(type) : undefined;
    const printed = new Map<number, string>();
    const numbers = new Map(type.values.map(({ name, number }) => [name, number]));
    for (const { name, number } of type.values) {
      const shown = short?.get(name) ?? name;
      if (!printed.has(number)) printed.set(number, shown);
      numbers.set(shown, number);
    }
    this.printed = printed;
    this.numbers = numbers;
    if (!caseInsensitiveEnums) return;
    const folded = new Map<string, number>();
    for (const [name, number] of numbers) if (!folded.has(name.toLowerCase())) folded.set(name.toLowerCase(), number);
    this.folded = folded;
  }

  numberOf(name: string): number | undefined {
    return this.numbers.get(name) ?? this.folded?.get(name.toLowerCase());
  }
}

/** Names that may stand without their prefix -> what is left of them. */
function shortNames({ name, values }: EnumDescriptor): Map<string, string> {
  const prefix = name
    .slice(name.lastIndexOf(".") + 1)
    .replaceAll("_", "")
    .toLowerCase();
  const short = new Map<string, string>();
  const owners = new Map(values.map((value) => [value.name, value.number]));
  const shared = new Set<string>();
  for (const value of values) {
    const rest = withoutPrefix(value.name, prefix);
    if (rest === undefined) continue;
    if ((owners.get(rest) ?? value.number) !== value.number) shared.add(rest);
    owners.set(rest, value.number);
    short.set(value.name, rest);
  }
  for (const [full, rest] of short) if (shared.has(rest)) short.delete(full);
  return short;
}

/**
 * `ORDER_STATUS_PENDING` of `OrderStatus` -> `PENDING`. Underscores and case do not count within the prefix, so that `HTTP2Mode` may be spelt
 * `HTTP2_MODE_` or `HTTP_2_MODE_`; but one must stand behind it.
 */
function withoutPrefix(value: string, prefix: string): string | undefined {
  let at = 0;
  for (let matched = 0; matched < prefix.length; at++) {
    if (at === value.length) return undefined;
    if (value[at] === "_") continue;
    if (value[at]!.toLowerCase() !== prefix[matched++]) return undefined;
  }
  const rest = value[at] === "_" ? value.slice(at).replace(/^_+/, "") : "";
  return /^[A-Za-z]/.test(rest) ? rest : undefined;
}
