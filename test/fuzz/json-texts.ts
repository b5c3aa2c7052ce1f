/**
 * Random ProtoJSON of a message type, in all the spellings that are allowed and a few that are not, and mutations of texts and wire bytes.
 *
 * Everything comes from one seeded generator, so a case is named by its number.
 */
import { Buffer } from "node:buffer";
import type { FieldDescriptor, MessageDescriptor, ScalarType } from "../../src/schema/descriptor.ts";

export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 0 to n - 1 (mulberry32). */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }

  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const strings = [
  "",
  "a",
  "x y",
  "naïve",
  "\u{1F600} smile",
  'quote " and \\',
  "line\nbreak\t",
  "\u0000\u001f\u007f",
  "long ".repeat(40),
  "漢字".repeat(30),
  "__proto__",
];
const integers = [
  "0",
  "1",
  "-1",
  "7",
  "127",
  "128",
  "255",
  "300",
  "16384",
  "2147483647",
  "-2147483648",
  "4294967295",
  "-0",
  "1e2",
  "1.0",
  "25e-1",
  "120e-1",
];
const longs = [
  "9007199254740993",
  "-9007199254740993",
  "9223372036854775807",
  "-9223372036854775808",
  "18446744073709551615",
  "123456789012345678",
  "1000000000000000",
  "9223372036854775808",
];
const floats = [
  "0.1",
  "-0.0",
  "19.99",
  "1e10",
  "-1.5e-7",
  "3.4028234663852886e38",
  "1e300",
  "123456.789",
  "0.000001",
  "1E+2",
  "5e-324",
  "16777217",
  "0.30000000000000004",
];
const times = [
  "2026-11-23T10:15:30Z",
  "1970-01-01T00:00:00.5Z",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999Z",
  "2024-02-29T23:59:59.000001+01:30",
  "2023-06-30T12:00:00-08:00",
];
const durations = ["0s", "1s", "-1.5s", "315576000000s", "0.000000001s", "-0.25s", "3600.100s"];
const wrong = ["null", "true", "{}", "[]", '""', '"x"', "1.5", "-", '"NaN"', "[null]", "99999999999999999999", '"-Infinity"', '" 1"'];

export function randomJson(type: MessageDescriptor, dice: Dice, depth = 0): string {
  switch (type.name) {
    case "google.protobuf.Timestamp":
      return quote(dice.pick(times), dice);
    case "google.protobuf.Duration":
      return quote(dice.pick(durations), dice);
    case "google.protobuf.FieldMask":
      return dice.pick(['""', '"a"', '"fooBar,baz.quxQuux"', '"a,bC"']);
    case "google.protobuf.Value":
      return randomValue(dice, depth);
    case "google.protobuf.Struct":
      return randomObject(dice, depth);
    case "google.protobuf.ListValue":
      return randomArray(dice, depth);
    case "google.protobuf.Any":
      return dice.pick([
        "{}",
        '{"@type":"type.googleapis.com/codec.v1.Leaf","name":"in any","count":3}',
        '{"count":4,"@type":"type.googleapis.com/codec.v1.Leaf"}',
        '{"@type":"type.googleapis.com/google.protobuf.Timestamp","value":"2020-01-01T00:00:00Z"}',
        '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"a":[1,null]}}',
        '{"@type":"type.googleapis.com/google.protobuf.Int64Value","value":"12"}',
        '{"@type":"type.googleapis.com/google.protobuf.Empty"}',
      ]);
    default:
  }
  const wrapper = /^google\.protobuf\.(\w+)Value$/.exec(type.name);
  if (wrapper !== null)
    return randomScalar(
      type.fields[0]!.value.kind === "scalar" ? (type.fields[0]!.value as { scalar: ScalarType }).scalar : "string",
      dice,
    );
  const members: string[] = [];
  const oneofs = new Set<string>();
  const all = [...type.fields, ...type.extensions];
  const wanted = dice.below(depth > 3 ? 2 : 7);
  for (let i = 0; i < wanted && all.length > 0; i++) {
    const field = dice.pick(all);
    if (field.oneof !== undefined) {
      if (oneofs.has(field.oneof) && !dice.oneIn(20)) continue;
      oneofs.add(field.oneof);
    }
    const name = dice.oneIn(4) ? field.name : field.jsonName;
    members.push(`${quote(name, dice)}${space(dice)}:${space(dice)}${randomField(field, dice, depth + 1)}`);
  }
  if (dice.oneIn(40)) members.push('"unknown":[1,{"a":null}]');
  return `{${space(dice)}${members.join(`${space(dice)},${space(dice)}`)}${space(dice)}}`;
}

function randomField(field: FieldDescriptor, dice: Dice, depth: number): string {
  if (dice.oneIn(60)) return dice.pick(wrong);
  if (dice.oneIn(40)) return "null";
  const count = dice.oneIn(30) ? 40 : dice.below(4);
  switch (field.cardinality) {
    case "singular":
      return randomSingle(field, dice, depth);
    case "repeated":
      return `[${Array.from({ length: depth > 3 ? Math.min(count, 2) : count }, () => space(dice) + randomSingle(field, dice, depth)).join()}]`;
    case "map": {
      const entries = Array.from(
        { length: count > 4 && depth > 1 ? 2 : count },
        (_, i) => `${randomKey(field.key!.scalar, i, dice)}:${randomSingle(field, dice, depth)}`,
      );
      return `{${entries.join()}}`;
    }
  }
}

function randomSingle({ value }: FieldDescriptor, dice: Dice, depth: number): string {
  switch (value.kind) {
    case "scalar":
      return randomScalar(value.scalar, dice);
    case "enum":
      if (value.enum.name === "google.protobuf.NullValue") return dice.pick(["null", "null", "null", '"NULL_VALUE"', "0"]);
      if (dice.oneIn(6)) return dice.pick(["0", "1", "2", "300", "-5", "77"]);
      return quote(spelling(dice.pick(value.enum.values).name, dice), dice);
    case "message":
      return randomJson(value.message, dice, depth);
  }
}

/** Mostly as it is; what some profiles take besides. */
function spelling(name: string, dice: Dice): string {
  if (!dice.oneIn(8)) return name;
  return dice.pick([name.toLowerCase(), name[0] + name.slice(1).toLowerCase(), name.replace(/^[A-Z]+_/, "")]);
}

function randomScalar(scalar: ScalarType, dice: Dice): string {
  switch (scalar) {
    case "string":
      return quote(dice.pick(strings), dice);
    case "bytes": {
      const bytes = Buffer.from(Array.from({ length: dice.below(dice.oneIn(9) ? 200 : 9) }, () => dice.below(256)));
      return JSON.stringify(bytes.toString(dice.oneIn(2) ? "base64" : "base64url"));
    }
    case "bool":
      return dice.pick(["true", "false"]);
    case "double":
    case "float":
      if (dice.oneIn(8)) return dice.pick(['"NaN"', '"Infinity"', '"-Infinity"', '"1.25"']);
      return dice.oneIn(3) ? String(dice.below(1e9) / 10 ** dice.below(9)) : dice.pick([...floats, ...integers]);
    default: {
      const wide = scalar.endsWith("64");
      const text = dice.oneIn(3) ? String(dice.below(1000000)) : dice.pick(wide ? [...integers, ...longs] : integers);
      return dice.oneIn(wide ? 2 : 5) ? quote(text, dice) : text;
    }
  }
}

function randomKey(scalar: ScalarType, i: number, dice: Dice): string {
  if (scalar === "string") return quote(dice.pick(strings) + (dice.oneIn(9) ? "" : String(i)), dice);
  if (scalar === "bool") return dice.oneIn(2) === (i % 2 === 0) ? '"true"' : '"false"';
  return `"${dice.oneIn(9) ? dice.pick(integers) : String(i * 77)}"`;
}

function randomValue(dice: Dice, depth: number): string {
  const kind = dice.below(depth > 5 ? 4 : 6);
  if (kind === 0) return "null";
  if (kind === 1) return dice.pick(floats);
  if (kind === 2) return quote(dice.pick(strings), dice);
  if (kind === 3) return dice.pick(["true", "false"]);
  return kind === 4 ? randomObject(dice, depth) : randomArray(dice, depth);
}

function randomObject(dice: Dice, depth: number): string {
  const entries = Array.from({ length: dice.below(4) }, (_, i) => `${randomKey("string", i, dice)}:${randomValue(dice, depth + 1)}`);
  return `{${entries.join()}}`;
}

function randomArray(dice: Dice, depth: number): string {
  return `[${Array.from({ length: dice.below(4) }, () => randomValue(dice, depth + 1)).join()}]`;
}

/** The text as a JSON string, now and then with an escape where none is needed. */
function quote(text: string, dice: Dice): string {
  const plain = JSON.stringify(text);
  if (text === "" || !dice.oneIn(50)) return plain;
  const at = dice.below(text.length);
  const unit = text.charCodeAt(at);
  if (unit < 32 || unit === 34 || unit === 92 || (unit >= 0xd800 && unit < 0xe000)) return plain;
  const escaped = `\\u${unit.toString(16).padStart(4, "0")}`;
  return JSON.stringify(text.slice(0, at)).slice(0, -1) + escaped + JSON.stringify(text.slice(at + 1)).slice(1);
}

function space(dice: Dice): string {
  return dice.oneIn(15) ? dice.pick([" ", "\n\t", "  ", "\r\n"]) : "";
}

const scraps = [
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "0",
  "9",
  "-",
  ".",
  "e",
  "null",
  "true",
  "\\u00e9",
  "\\ud800",
  " ",
  "\u00e9",
  "\u0001",
  '"a":1,',
  "//",
  "1e5",
  "00",
];

export function mutateText(text: string, dice: Dice): Buffer {
  const bytes = Buffer.from(text);
  const at = dice.below(bytes.length + 1);
  switch (dice.below(5)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(dice.pick(scraps)), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + dice.below(4)))]);
    case 3: {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at % copy.length] = dice.below(256);
      return copy;
    }
    default: {
      const from = dice.below(bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, from + dice.below(40)), bytes.subarray(at)]);
    }
  }
}

export function mutateWire(wire: Uint8Array, dice: Dice): Buffer {
  const bytes = Buffer.from(wire);
  const at = dice.below(bytes.length + 1);
  switch (dice.below(6)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      // Two messages in a row are one message, merged.
      return Buffer.concat([bytes, bytes]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(dice.below(256)), bytes.subarray(at)]);
    case 3:
      if (bytes.length > 0) bytes[at % bytes.length] = dice.below(256);
      return bytes;
    case 4:
      if (bytes.length > 0) bytes[at % bytes.length]! ^= 1 << dice.below(8);
      return bytes;
    default:
      return Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]);
  }
}
