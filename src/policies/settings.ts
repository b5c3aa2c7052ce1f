/**
 * What settings are made of: durations, sizes and shares as people write them ("1m30s", "4MiB", "10%"), with a default and a sentence each.
 *
 * The schemas are zod's small variant: 2.6 MB of memory at the start instead of 9, and they are made in every sidecar. In them units stay text, so that defaults, JSON Schema and docs show what one writes. {@link withUnits} turns them into numbers and
 * puts the unit into the key: `total: "15s"` becomes `totalMs: 15000`, `body: "4MiB"` becomes `bodyBytes: 4194304`.
 */
import * as z from "zod/mini";

export type DurationText = `${number}${"ms" | "s" | "m" | "h"}`;
export type SizeText = `${number}${"B" | "KiB" | "MiB" | "GiB"}`;
export type PercentText = `${number}%`;

/** A schema that changes nothing of what it accepts. */
type Schema<T> = z.ZodMiniType<T, T>;

/** `schema` with the sentence that the docs and the editors show. */
export function described<S extends z.ZodMiniType>(schema: S, description: string): S {
  const copy = schema.check(z.describe(description));
  const own = units.get(schema);
  if (own !== undefined) units.set(copy, own);
  return copy;
}

/** A setting that has a value where nobody gives one. */
export function setting<S extends z.ZodMiniType>(schema: S, fallback: z.input<S>, description: string): z.ZodMiniPrefault<S> {
  return described(z.prefault(schema, fallback), description);
}

/** A setting that may be left out. */
export function optional<S extends z.ZodMiniType>(schema: S, description: string): z.ZodMiniOptional<S> {
  return described(z.optional(schema), description);
}

const durationForm = /^(\d+(\.\d+)?(ms|s|m|h))+$/;
const sizeForm = /^\d+(\.\d+)?(B|KiB|MiB|GiB)$/;
const percentForm = /^(100(\.0+)?|\d{1,2}(\.\d+)?)%$/;
const millisecondsPer: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const bytesPer: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

type Unit = "Ms" | "Bytes" | "Ratio";
const units = new WeakMap<z.core.$ZodType, Unit>();

function unit<Text extends string>(form: RegExp, suffix: Unit, expected: string): Schema<Text> {
  const schema = z.string({ error: expected }).check(z.regex(form, { error: expected }));
  units.set(schema, suffix);
  return schema as unknown as Schema<Text>;
}

/** A length of time: "500ms", "15s", "1m30s". The parsed key ends in `Ms`. */
export const duration = unit<DurationText>(durationForm, "Ms", "expected a duration such as 500ms, 15s or 1m30s");

/** A number of bytes: "512B", "64KiB", "4MiB". The parsed key ends in `Bytes`. */
export const size = unit<SizeText>(sizeForm, "Bytes", "expected a size such as 64KiB or 4MiB");

/** A share: "10%", "0.5%". The parsed key ends in `Ratio`, and its value is from 0 to 1. */
export const percent = unit<PercentText>(percentForm, "Ratio", "expected a percentage from 0% to 100%");

/** The parsed configuration: every duration and size a number, its unit in the key. */
export type WithUnits<T> = T extends readonly (infer E)[]
  ? readonly WithUnits<E>[]
  : T extends object
    ? {
        readonly [K in keyof T as WithUnit<K, NonNullable<T[K]>>]: NonNullable<T[K]> extends UnitText
          ? number | Extract<T[K], undefined>
          : WithUnits<T[K]>;
      }
    : T;

type UnitText = DurationText | SizeText | PercentText;

type WithUnit<Key, Value> = Key extends string
  ? Value extends DurationText
    ? `${Key}Ms`
    : Value extends SizeText
      ? `${Key}Bytes`
      : Value extends PercentText
        ? `${Key}Ratio`
        : Key
  : Key;

/** "1m30s" -> 90000. @throws RangeError when it is no duration. */
export function durationMs(text: string): number {
  if (!durationForm.test(text)) throw new RangeError(`${text} is not a duration such as 500ms, 15s or 1m30s`);
  let total = 0;
  for (const [, amount, , suffix] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) total += Number(amount) * millisecondsPer[suffix!]!;
  return total;
}

/** "4MiB" -> 4194304. @throws RangeError when it is no size. */
function sizeBytes(text: string): number {
  const [, amount, , suffix] = /^(\d+(\.\d+)?)(\w+)$/.exec(text) ?? [];
  if (amount === undefined || !sizeForm.test(text)) throw new RangeError(`${text} is not a size such as 64KiB or 4MiB`);
  return Math.floor(Number(amount) * bytesPer[suffix!]!);
}

/** The unit a schema's value carries, seen through defaults and options. */
function unitOf(schema: z.core.$ZodType): Unit | undefined {
  return units.get(schema) ?? mapDefined(innerOf(schema), unitOf);
}

function innerOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  return (schema._zod.def as { innerType?: z.core.$ZodType }).innerType;
}

function mapDefined<T, R>(value: T | undefined, map: (value: T) => R): R | undefined {
  return value === undefined ? undefined : map(value);
}

const read: Readonly<Record<Unit, (text: string) => number>> = {
  Ms: durationMs,
  Bytes: sizeBytes,
  Ratio: (text) => parseFloat(text) / 100,
};

/** Replaces the durations and sizes in `value`, which `schema` has accepted, by numbers under keys that name the unit. */
export function withUnits<T>(schema: z.ZodMiniType<T>, value: T): WithUnits<T> {
  return convert(schema, value) as WithUnits<T>;
}

function convert(schema: z.core.$ZodType, value: unknown): unknown {
  if (value === undefined || value === null || typeof value !== "object" || Array.isArray(value)) return value;
  const shape = shapeOf(schema);
  if (shape === undefined) return value;
  const converted: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const memberSchema = shape[key];
    const suffix = memberSchema === undefined ? undefined : unitOf(memberSchema);
    if (suffix === undefined) converted[key] = memberSchema === undefined ? member : convert(memberSchema, member);
    else if (typeof member === "string") converted[key + suffix] = read[suffix](member);
  }
  return converted;
}

function shapeOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> | undefined {
  const { def } = schema._zod;
  if (def.type === "object") return (def as z.core.$ZodObjectDef).shape;
  return mapDefined(innerOf(schema), shapeOf);
}
