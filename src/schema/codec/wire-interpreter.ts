/**
 * Wire -> JSON by walking descriptors: for wire that the compiled codec does not take (fields in pieces, duplicate map keys, broken input), and
 * where code must not be generated.
 *
 * It first finds where every field lies (wire-occurrences.ts) and then prints field by field. `reg.memory` may be replaced by anything that
 * prints, so it is never kept in a local across a call.
 */
import type { Buffer } from "node:buffer";
import type { JsonProfile } from "../../core/message-type.ts";
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import { printJoined } from "./join.ts";
import { enumNames } from "./enum-names.ts";
import { isNullValue, planOf, wireTypeOfValue } from "./plan.ts";
import { printInt32 } from "./print-number.ts";
import { printString } from "./print-text.ts";
import { refuse } from "./refusal.ts";
import { grow, MAX_DEPTH, reg, SLACK_BYTES } from "./registers.ts";
import { defaultJson, isDefault, printScalar, type ScalarForm } from "./scalar.ts";
import { trail } from "./trail.ts";
import type { Printer } from "./transcoder.ts";
import type { TypeResolver } from "./type-resolver.ts";
import { ANY, isWellKnown, wellKnownLink } from "./well-known.ts";
import { findOccurrences } from "./wire-occurrences.ts";
import { readLength, readTag, readVarint, skipField } from "./wire-read.ts";

export class WireInterpreter {
  readonly #profile: JsonProfile;
  readonly #strict: ScalarForm;
  readonly #lenient: ScalarForm;
  readonly #types: TypeResolver;
  /** Prints the content of an Any; the compiled codec puts its own here. */
  readonly #content: (type: MessageDescriptor) => Printer;
  readonly #printers = new WeakMap<MessageDescriptor, Printer>();

  constructor(profile: JsonProfile, types: TypeResolver, content?: (type: MessageDescriptor) => Printer) {
    const { int64Numbers } = profile;
    this.#profile = profile;
    this.#strict = { validateUtf8: true, int64Numbers };
    this.#lenient = { validateUtf8: false, int64Numbers };
    this.#types = types;
    this.#content = content ?? ((type) => this.printerOf(type));
  }

  printerOf(type: MessageDescriptor): Printer {
    let printer = this.#printers.get(type);
    if (printer === undefined) {
      if (type.name === ANY) printer = (m, p, e, w) => this.#printAny(m, p, e, w);
      else printer = wellKnownLink(type.name, this.#profile)?.print ?? ((m, p, e, w) => this.#printMessage(type, m, p, e, w));
      this.#printers.set(type, printer);
    }
    return printer;
  }

  #printMessage(type: MessageDescriptor, m: Buffer, p: number, e: number, w: number): number {
    if (++reg.depth > MAX_DEPTH) refuse(p, "nested deeper than 100 levels");
    const plan = planOf(type);
    trail.type = type;
    trail.field = undefined;
    const found = findOccurrences(plan, m, p, e);
    w = put("{", w);
    const start = w;
    const printed = new Set<FieldDescriptor>();
    for (const [field, occurrences] of found) {
      trail.path.push(field.jsonName);
      trail.type = type;
      trail.field = field;
      const end = this.#printField(field, occurrences, w, w > start);
      if (end !== w) printed.add(field);
      w = end;
      trail.path.pop();
    }
    if (this.#profile.emitDefaults) {
      for (const field of type.fields) {
        if (printed.has(field)) continue;
        const text = defaultOf(field, this.#profile);
        if (text === undefined) continue;
        w = put(text, this.#printName(field, w, w > start));
      }
    }
    reg.depth--;
    return put("}", w);
  }

  /** The value of one field of the message that is the whole input. Not set, it prints as its default, which for a message is `{}`. */
  printFieldValue(type: MessageDescriptor, field: FieldDescriptor, w: number): number {
    trail.path.push(field.jsonName);
    trail.type = type;
    trail.field = field;
    const occurrences = findOccurrences(planOf(type), reg.memory, 0, reg.end).get(field);
    if (occurrences === undefined)
      return field.cardinality === "singular" ? this.#printUnset(field, w) : put(field.cardinality === "map" ? "{}" : "[]", w);
    if (field.cardinality === "map") return this.#printMap(field, occurrences, w);
    if (field.cardinality === "repeated") return this.#printList(field, occurrences, w);
    if (field.value.kind === "message") return printJoined(this.printerOf(field.value.message), rangesOf(occurrences), w);
    return this.#printOne(field, occurrences[occurrences.length - 2]!, occurrences[occurrences.length - 1]!, w);
  }

  /** An empty message of a type with a JSON form of its own prints as that: a wrapper as 0, a Timestamp as 1970; Value, which must hold something, as null. */
  #printUnset(field: FieldDescriptor, w: number): number {
    const { value } = field;
    if (value.kind !== "message") return this.#printInitial(field, w);
    if (value.message.name === "google.protobuf.Value") return put("null", w);
    return this.printerOf(value.message)(reg.memory, 0, 0, w);
  }

  #printName(field: FieldDescriptor, w: number, comma: boolean): number {
    const name = JSON.stringify(this.#profile.protoNames ? field.name : field.jsonName);
    return put(comma ? `,${name}:` : `${name}:`, w);
  }

  /** The field with its name, or nothing: then it returns `w`. */
  #printField(field: FieldDescriptor, occurrences: readonly number[], w: number, comma: boolean): number {
    const { value } = field;
    const last = occurrences.length - 2;
    const from = occurrences[last]!;
    if (field.cardinality === "singular") {
      const implicit = !field.explicitPresence && field.oneof === undefined && !this.#profile.emitDefaults;
      if (implicit && value.kind === "scalar" && isDefault(value.scalar, reg.memory, from)) return w;
      if (implicit && value.kind === "enum" && readVarint(reg.memory, from) === 0) return w;
      const at = this.#printName(field, w, comma);
      if (value.kind !== "message") return this.#printOne(field, from, occurrences[last + 1]!, at);
      return printJoined(this.printerOf(value.message), rangesOf(occurrences), at);
    }
    const at = this.#printName(field, w, comma);
    const end = field.cardinality === "map" ? this.#printMap(field, occurrences, at) : this.#printList(field, occurrences, at);
    return end === at + 2 && !this.#profile.emitDefaults ? w : end;
  }

  /** One value that is not a message; for an unknown number of a closed enum nothing: then it returns `w`. */
  #printOne(field: FieldDescriptor, p: number, e: number, w: number): number {
    const { value } = field;
    if (value.kind === "scalar") return printScalar(value.scalar, this.#formOf(value.validateUtf8), reg.memory, p, e, w);
    if (value.kind === "enum") {
      const number = readVarint(reg.memory, p);
      if (reg.at > e) refuse(e, "malformed protobuf: a field runs past the end");
      return this.#printEnum(value.enum, number, w);
    }
    return this.printerOf(value.message)(reg.memory, p, e, w);
  }

  #formOf(validateUtf8: boolean): ScalarForm {
    return validateUtf8 ? this.#strict : this.#lenient;
  }

  #printEnum(type: EnumDescriptor, number: number, w: number): number {
    if (isNullValue(type)) return put("null", w);
    const name = enumNames(type, this.#profile).printed.get(number);
    if (name === undefined && type.closed) return w;
    if (name !== undefined && !this.#profile.enumNumbers) return put(JSON.stringify(name), w);
    if (w + SLACK_BYTES > reg.memory.length) grow(w, SLACK_BYTES);
    return printInt32(reg.memory, number, w);
  }

  #printList(field: FieldDescriptor, occurrences: readonly number[], w: number): number {
    const packedForm = field.value.kind === "message" ? -1 : wireTypeOfValue(field.value) === 2 ? -1 : 2;
    w = put("[", w);
    const start = w;
    let index = 0;
    for (let i = 0; i < occurrences.length; i += 3) {
      let p = occurrences[i + 1]!;
      const e = occurrences[i + 2]!;
      const packed = occurrences[i] === packedForm;
      if (packed) {
        readLength(reg.memory, p, e);
        p = reg.at;
      }
      while (p < e || (!packed && p === e)) {
        trail.path.push(index);
        const at = w > start ? put(",", w) : w;
        const end = this.#printOne(field, p, e, at);
        trail.path.pop();
        if (end !== at) {
          w = end;
          index++;
        }
        if (!packed) break;
        p = this.#behind(field, p, e);
      }
      if (packed && p !== e) refuse(e, "malformed protobuf: a packed field runs past its end");
    }
    return put("]", w);
  }

  /** Behind the element at `p` of a packed field. */
  #behind(field: FieldDescriptor, p: number, e: number): number {
    return skipField(reg.memory, p, e, 8 | wireTypeOfValue(field.value));
  }

  #printMap(field: FieldDescriptor, occurrences: readonly number[], w: number): number {
    // By the key as it is printed, so 1 and 01 00 are one key. The last entry with a key counts, at the place of the first.
    const entries = new Map<string, number[]>();
    const closed = field.value.kind === "enum" && field.value.enum.closed ? field.value.enum : undefined;
    for (let i = 0; i < occurrences.length; i += 3) {
      const values: number[] = [];
      const key = this.#readEntry(field, occurrences[i + 1]!, occurrences[i + 2]!, w, values);
      if (closed !== undefined && values.length > 0) {
        const number = readVarint(reg.memory, values[values.length - 2]!);
        if (!closed.values.some((value) => value.number === number)) continue;
      }
      entries.set(key, values);
    }
    w = put("{", w);
    const start = w;
    for (const [key, values] of entries) {
      trail.path.push(`[${key}]`);
      w = put(w > start ? `,${key}:` : `${key}:`, w);
      if (field.value.kind === "message") {
        w = printJoined(this.printerOf(field.value.message), values.length === 0 ? [0, 0] : values, w);
      } else if (values.length === 0) {
        w = this.#printInitial(field, w);
      } else {
        w = this.#printOne(field, values[values.length - 2]!, values[values.length - 1]!, w);
      }
      trail.path.pop();
    }
    return put("}", w);
  }

  #printInitial({ value }: FieldDescriptor, w: number): number {
    if (value.kind === "enum") return this.#printEnum(value.enum, value.enum.values[0]?.number ?? 0, w);
    return put(value.kind === "scalar" ? defaultJson(value.scalar, this.#profile.int64Numbers) : "{}", w);
  }

  /** The entry's key as JSON text, printed once at `w` to get it; the ranges of its value in `values`. */
  #readEntry(field: FieldDescriptor, p: number, e: number, w: number, values: number[]): string {
    const key = field.key!;
    const keyTag = 8 | wireTypeOfValue({ kind: "scalar", ...key });
    const valueTag = 16 | wireTypeOfValue(field.value);
    let keyFrom = -1;
    let keyEnd = 0;
    while (p < e) {
      const tag = readTag(reg.memory, p);
      const from = reg.at;
      p = skipField(reg.memory, from, e, tag);
      if (tag === keyTag) {
        keyFrom = from;
        keyEnd = p;
      } else if (tag === valueTag) {
        if (field.value.kind === "message") readLength(reg.memory, from, e);
        values.push(field.value.kind === "message" ? reg.at : from, p);
      }
    }
    if (p !== e) refuse(e, "malformed protobuf: a field runs past the end");
    let text = defaultJson(key.scalar);
    if (keyFrom >= 0) {
      const end = printScalar(key.scalar, { validateUtf8: key.validateUtf8, int64Numbers: false }, reg.memory, keyFrom, keyEnd, w);
      text = reg.memory.toString("utf8", w, end);
    }
    return text.startsWith('"') ? text : `"${text}"`;
  }

  #printAny(m: Buffer, p: number, e: number, w: number): number {
    if (++reg.depth > MAX_DEPTH) refuse(p, "nested deeper than 100 levels");
    const start = p;
    let urlFrom = 0;
    let urlEnd = 0;
    let from = 0;
    let end = 0;
    while (p < e) {
      const tag = readTag(m, p);
      p = reg.at;
      if (tag === 10 || tag === 18) {
        const n = readLength(m, p, e);
        p = reg.at;
        if (tag === 10) {
          urlFrom = p;
          urlEnd = p + n;
        } else {
          from = p;
          end = p + n;
        }
        p += n;
      } else {
        p = skipField(m, p, e, tag);
      }
    }
    if (p !== e) refuse(e, "malformed protobuf: a field runs past the end");
    reg.depth--;
    if (urlEnd === urlFrom) {
      if (end === from) return put("{}", w);
      refuse(start, "an Any with content but without a type has no JSON form");
    }
    reg.depth++;
    const url = m.toString("utf8", urlFrom, urlEnd);
    const name = url.slice(url.lastIndexOf("/") + 1);
    const type = name === "" ? undefined : this.#types.message(name);
    if (type === undefined) refuse(start, `an Any of ${JSON.stringify(name)} has no JSON form: the schema has no such message type`);
    w = put('{"@type":', w);
    if (w + (urlEnd - urlFrom) * 6 + SLACK_BYTES > reg.memory.length) grow(w, (urlEnd - urlFrom) * 6 + SLACK_BYTES);
    w = printString(reg.memory, urlFrom, urlEnd, w);
    if (type.name === ANY || isWellKnown(type.name)) {
      trail.path.push("value");
      w = put("}", this.#content(type)(reg.memory, from, end, put(',"value":', w)));
      trail.path.pop();
    } else {
      // The message prints itself as {...}: its brace becomes the comma behind "@type".
      const at = w;
      w = this.#content(type)(reg.memory, from, end, w);
      if (w === at + 2) {
        reg.memory[at] = 125;
        w = at + 1;
      } else {
        reg.memory[at] = 44;
      }
    }
    reg.depth--;
    return w;
  }
}

/** JSON of a field that is not set, where defaults are to be printed; undefined for fields that may be absent. */
export function defaultOf(field: FieldDescriptor, profile: JsonProfile): string | undefined {
  if (field.cardinality === "repeated") return "[]";
  if (field.cardinality === "map") return "{}";
  const { value } = field;
  if (field.explicitPresence || field.oneof !== undefined || value.kind === "message") return undefined;
  if (value.kind === "scalar") return defaultJson(value.scalar, profile.int64Numbers);
  if (isNullValue(value.enum)) return "null";
  const name = enumNames(value.enum, profile).printed.get(0);
  return name === undefined || profile.enumNumbers ? "0" : JSON.stringify(name);
}

function rangesOf(occurrences: readonly number[]): number[] {
  const ranges: number[] = [];
  for (let i = 0; i < occurrences.length; i += 3) ranges.push(occurrences[i + 1]!, occurrences[i + 2]!);
  return ranges;
}

/** Writes text of our own making, with room behind it. */
function put(text: string, w: number): number {
  const room = text.length * 3 + SLACK_BYTES;
  const m = w + room > reg.memory.length ? grow(w, room) : reg.memory;
  return w + m.write(text, w, "utf8");
}
