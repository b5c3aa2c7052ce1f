/**
 * JSON -> wire by walking descriptors. It defines what the compiled codec must do, finds the words for what is wrong, and works where code
 * must not be generated.
 *
 * It keeps the trail (trail.ts), reads names and values with escapes in them, and knows Any and MessageSet, which the compiled codec leaves to it.
 */
import type { Buffer } from "node:buffer";
import type { JsonProfile } from "../../core/message-type.ts";
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import { nearestName } from "../../core/nearest-name.ts";
import { copyString, skipColon, skipNull, skipSpace, skipValue } from "./json-text.ts";
import { bareInteger32 } from "./json-number.ts";
import { enumNames } from "./enum-names.ts";
import { isNullValue, planOf, takesNull, wireTypeOfValue } from "./plan.ts";
import { expected, refuse } from "./refusal.ts";
import { MAX_DEPTH, reg } from "./registers.ts";
import { INT32_MAX, INT32_MIN, readScalar, wireTypeOf } from "./scalar.ts";
import { trail } from "./trail.ts";
import type { Reader } from "./transcoder.ts";
import { ANY, isWellKnown, wellKnownLink } from "./well-known.ts";
import { closeLength, writeInt32, writeUint32 } from "./wire-write.ts";
import type { TypeResolver } from "./type-resolver.ts";

/** Stands for "left out": an enum name that nobody knows, where unknown things are ignored. */
const LEFT_OUT = -1;
/** Where a copy without escapes goes: behind what any value that needs one writes. */
const COPY_GAP = 64;

/** Types whose strings are read by primitives that know no escapes. */
const plainTexts: ReadonlySet<string> = new Set(
  ["Timestamp", "Duration", "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value"].map(
    (name) => `google.protobuf.${name}`,
  ),
);

export class JsonInterpreter {
  readonly #profile: JsonProfile;
  readonly #ignoreUnknown: boolean;
  readonly #types: TypeResolver;
  readonly #readers = new WeakMap<MessageDescriptor, Reader>();

  constructor(profile: JsonProfile, types: TypeResolver) {
    this.#profile = profile;
    this.#ignoreUnknown = profile.ignoreUnknown;
    this.#types = types;
  }

  readerOf(type: MessageDescriptor): Reader {
    let reader = this.#readers.get(type);
    if (reader === undefined) {
      if (type.name === ANY) reader = (m, p, w) => this.#readAny(type, m, p, w);
      else reader = wellKnownLink(type.name, this.#profile)?.read ?? ((m, p, w) => this.#readMessage(type, m, p, w, false));
      this.#readers.set(type, reader);
    }
    return reader;
  }

  #readMessage(type: MessageDescriptor, m: Buffer, p: number, w: number, inAny: boolean): number {
    if (m[p] !== 123) expected(p, "an object");
    if (++reg.depth > MAX_DEPTH) refuse(p, "nested deeper than 100 levels");
    const plan = planOf(type);
    const seen = new Set<FieldDescriptor>();
    const members = new Map<string, FieldDescriptor>();
    p = skipSpace(m, p + 1);
    if (m[p] === 125) {
      p++;
    } else {
      for (let open = true; open;) {
        if (m[p] !== 34) refuse(p, "malformed JSON: expected the name of a field in quotes");
        const name = m.toString("utf8", w, copyString(m, p + 1, w));
        const nameAt = p;
        p = skipColon(m, reg.at);
        const field = plan.byName.get(name);
        if (field === undefined) {
          if (!this.#ignoreUnknown && !(inAny && name === "@type"))
            refuse(nameAt, this.#unknownField(name, type, plan.byName.keys()), name);
          p = skipValue(m, p, w);
        } else {
          trail.path.push(field.jsonName);
          if (seen.has(field)) refuse(nameAt, `field ${JSON.stringify(name)} of ${type.name} is set twice`);
          seen.add(field);
          if (m[p] === 110 && !(field.cardinality === "singular" && takesNull(field.value))) {
            p = skipNull(m, p);
          } else {
            if (field.oneof !== undefined) {
              const other = members.get(field.oneof);
              if (other !== undefined)
                refuse(
                  nameAt,
                  `"${other.jsonName}" and "${field.jsonName}" exclude one another (oneof ${field.oneof} of ${type.name}), but both are set`,
                );
              members.set(field.oneof, field);
            }
            w = this.readField(type, field, m, p, w);
            p = reg.at;
          }
          trail.path.pop();
        }
        p = skipSpace(m, p);
        if (m[p] === 44) p = skipSpace(m, p + 1);
        else if (m[p] === 125) open = false;
        else refuse(p, "malformed JSON: expected ',' or '}'");
      }
      p++;
    }
    reg.depth--;
    reg.at = p;
    return w;
  }

  #unknownField(name: string, type: MessageDescriptor, names: Iterable<string>): string {
    const near = nearestName(name, [...names]);
    return `unknown field ${JSON.stringify(name)} in ${type.name}${near === undefined ? "" : ` (did you mean ${near}?)`}`;
  }

  /** The field's value at `p`, which is not an ignorable null, with tags. */
  readField(type: MessageDescriptor, field: FieldDescriptor, m: Buffer, p: number, w: number): number {
    switch (field.cardinality) {
      case "singular":
        return this.#readTagged(type, field, m, p, w);
      case "repeated":
        return this.#readList(type, field, m, p, w);
      case "map":
        return this.#readMap(type, field, m, p, w);
    }
  }

  #readTagged(type: MessageDescriptor, field: FieldDescriptor, m: Buffer, p: number, w: number): number {
    const start = w;
    if (type.messageSet && field.value.kind === "message") {
      m[w++] = 11;
      m[w++] = 16;
      w = writeUint32(m, field.number, w);
      m[w++] = 26;
      w = this.#readLengthPrefixed(type, field, field.value.message, m, p, w);
      m[w++] = 12;
      return w;
    }
    w = writeUint32(m, ((field.number << 3) | wireTypeOfValue(field.value)) >>> 0, w);
    w = this.#readValue(type, field, m, p, w);
    return w === LEFT_OUT ? start : w;
  }

  #readList(type: MessageDescriptor, field: FieldDescriptor, m: Buffer, p: number, w: number): number {
    this.#note(type, field, p);
    if (m[p] !== 91) expected(p, "an array");
    const start = w;
    const packed = field.packed && field.value.kind !== "message" && wireTypeOfValue(field.value) !== 2;
    let at = 0;
    if (packed) {
      w = writeUint32(m, ((field.number << 3) | 2) >>> 0, w);
      at = w++;
    }
    p = skipSpace(m, p + 1);
    if (m[p] === 93) {
      reg.at = p + 1;
      return start;
    }
    for (let index = 0; ; index++) {
      trail.path.push(index);
      if (m[p] === 110 && !takesNull(field.value)) {
        this.#note(type, field, p);
        expected(p, "a value");
      }
      if (packed) {
        const end = this.#readValue(type, field, m, p, w);
        if (end !== LEFT_OUT) w = end;
      } else {
        w = this.#readTagged(type, field, m, p, w);
      }
      trail.path.pop();
      p = skipSpace(m, reg.at);
      if (m[p] === 93) break;
      if (m[p] !== 44) refuse(p, "malformed JSON: expected ',' or ']'");
      p = skipSpace(m, p + 1);
    }
    if (packed) w = w === at + 1 ? start : closeLength(m, at, 1, w);
    reg.at = p + 1;
    return w;
  }

  #readMap(type: MessageDescriptor, field: FieldDescriptor, m: Buffer, p: number, w: number): number {
    this.#note(type, field, p);
    if (m[p] !== 123) expected(p, "an object");
    const seen = new Set<string>();
    p = skipSpace(m, p + 1);
    if (m[p] === 125) {
      reg.at = p + 1;
      return w;
    }
    for (;;) {
      if (m[p] !== 34) refuse(p, "malformed JSON: expected a key in quotes");
      const start = w;
      const keyAt = p;
      w = writeUint32(m, ((field.number << 3) | 2) >>> 0, w);
      const entry = w++;
      this.#note(type, field, p);
      w = this.#readKey(field.key!.scalar, m, p, w);
      const key = m.toString("latin1", entry + 1, w);
      const name = m.toString("utf8", keyAt, reg.at);
      if (seen.has(key)) refuse(keyAt, `key ${name} is in the map twice`);
      seen.add(key);
      p = skipColon(m, reg.at);
      trail.path.push(`[${name}]`);
      if (m[p] === 110 && !takesNull(field.value)) expected(p, "a value");
      w = writeUint32(m, 16 | wireTypeOfValue(field.value), w);
      const end = this.#readValue(type, field, m, p, w);
      trail.path.pop();
      w = end === LEFT_OUT ? start : closeLength(m, entry, 1, end);
      p = skipSpace(m, reg.at);
      if (m[p] === 125) break;
      if (m[p] !== 44) refuse(p, "malformed JSON: expected ',' or '}'");
      p = skipSpace(m, p + 1);
    }
    reg.at = p + 1;
    return w;
  }

  /** A map's key with its tag. Numbers and bools stand in quotes. */
  #readKey(scalar: NonNullable<FieldDescriptor["key"]>["scalar"], m: Buffer, p: number, w: number): number {
    m[w++] = 8 | wireTypeOf(scalar);
    if (scalar === "string") return readScalar(scalar, m, p, w);
    const q = this.#withoutEscapes(m, p, w);
    const after = reg.at;
    w = readScalar(scalar, m, scalar === "bool" ? q + 1 : q, w);
    if (scalar === "bool") {
      if (m[reg.at] !== 34) expected(p, '"true" or "false"');
      reg.at++;
    }
    if (q !== p) this.#endCopy(m, p, after);
    return w;
  }

  /** One value without tag; for an enum name to be ignored LEFT_OUT. */
  #readValue(type: MessageDescriptor, field: FieldDescriptor, m: Buffer, p: number, w: number): number {
    const { value } = field;
    this.#note(type, field, p);
    switch (value.kind) {
      case "scalar": {
        if (value.scalar === "string" || value.scalar === "bytes" || m[p] !== 34) return readScalar(value.scalar, m, p, w);
        const q = this.#withoutEscapes(m, p, w);
        const after = reg.at;
        w = readScalar(value.scalar, m, q, w);
        if (q !== p) this.#endCopy(m, p, after);
        return w;
      }
      case "enum":
        return this.#readEnum(value.enum, m, p, w);
      case "message":
        if (!value.delimited || field.cardinality === "map") return this.#readLengthPrefixed(type, field, value.message, m, p, w);
        w = this.readerOf(value.message)(m, p, w);
        return writeUint32(m, ((field.number << 3) | 4) >>> 0, w);
    }
  }

  #readLengthPrefixed(
    type: MessageDescriptor,
    field: FieldDescriptor,
    message: MessageDescriptor,
    m: Buffer,
    p: number,
    w: number,
  ): number {
    this.#note(type, field, p);
    const start = w++;
    if (m[p] === 34 && plainTexts.has(message.name)) {
      const q = this.#withoutEscapes(m, p, w);
      const after = reg.at;
      w = this.readerOf(message)(m, q, w);
      if (q !== p) this.#endCopy(m, p, after);
    } else {
      w = this.readerOf(message)(m, p, w);
    }
    return closeLength(m, start, 1, w);
  }

  #readEnum(type: EnumDescriptor, m: Buffer, p: number, w: number): number {
    if (m[p] === 110 && isNullValue(type)) {
      reg.at = skipNull(m, p);
      m[w] = 0;
      return w + 1;
    }
    if (m[p] === 34) {
      const copy = w + COPY_GAP;
      const name = m.toString("utf8", copy, copyString(m, p + 1, copy));
      const known = enumNames(type, this.#profile).numberOf(name);
      if (known !== undefined) return writeInt32(m, known, w);
      if (this.#ignoreUnknown) return LEFT_OUT;
      expected(p, this.#enumNames(type, name));
    }
    const number = bareInteger32(m, p, INT32_MIN, INT32_MAX);
    if (type.closed && !type.values.some((value) => value.number === number)) expected(p, this.#enumNames(type, ""));
    return writeInt32(m, number, w);
  }

  #enumNames(type: EnumDescriptor, name: string): string {
    const { printed, numbers } = enumNames(type, this.#profile);
    const names = [...printed.values()];
    const near = nearestName(name, numbers.keys());
    const listed = names.length > 6 ? `${names.slice(0, 6).join(", ")}, ...` : names.join(", ");
    return `a value of ${type.name} (${near === undefined ? listed : `did you mean ${near}?`})`;
  }

  #readAny(type: MessageDescriptor, m: Buffer, p: number, w: number): number {
    if (m[p] !== 123) expected(p, "an object");
    if (++reg.depth > MAX_DEPTH) refuse(p, "nested deeper than 100 levels");
    const seen = new Map<string, number>();
    let q = skipSpace(m, p + 1);
    if (m[q] === 125) {
      q++;
    } else {
      for (let open = true; open;) {
        if (m[q] !== 34) refuse(q, "malformed JSON: expected the name of a field in quotes");
        const name = m.toString("utf8", w, copyString(m, q + 1, w));
        if (seen.has(name)) refuse(q, `field ${JSON.stringify(name)} is set twice`);
        q = skipColon(m, reg.at);
        seen.set(name, q);
        q = skipSpace(m, skipValue(m, q, w));
        if (m[q] === 44) q = skipSpace(m, q + 1);
        else if (m[q] === 125) open = false;
        else refuse(q, "malformed JSON: expected ',' or '}'");
      }
      q++;
    }
    if (seen.size > 0) w = this.#readAnyContent(type, seen, m, p, w);
    reg.depth--;
    reg.at = q;
    return w;
  }

  #readAnyContent(type: MessageDescriptor, members: ReadonlyMap<string, number>, m: Buffer, p: number, w: number): number {
    const typeAt = members.get("@type");
    if (typeAt === undefined || m[typeAt] !== 34) refuse(p, `a ${type.name} needs "@type", the name of its type`);
    m[w] = 10;
    const from = w + 1;
    w = copyString(m, typeAt + 1, w + 2);
    const url = m.toString("utf8", from + 1, w);
    w = closeLength(m, from, 1, w);
    const name = url.slice(url.lastIndexOf("/") + 1);
    const content = name === "" ? undefined : this.#types.message(name);
    if (content === undefined) refuse(typeAt, `"@type": the schema has no message type ${JSON.stringify(name)}`);
    m[w] = 18;
    const start = w + 1;
    w += 2;
    const valueAt = members.get("value");
    const special = content.name === ANY || isWellKnown(content.name);
    if (special || (content.name === "google.protobuf.Empty" && valueAt !== undefined)) {
      if (valueAt === undefined) refuse(p, `a ${type.name} of ${content.name} needs its content as "value"`);
      for (const other of members.keys())
        if (other !== "@type" && other !== "value" && !this.#ignoreUnknown)
          refuse(p, `unknown field ${JSON.stringify(other)} in ${type.name}`, other);
      trail.path.push("value");
      const from = m[valueAt] === 34 && plainTexts.has(content.name) ? this.#withoutEscapes(m, valueAt, w) : valueAt;
      w = this.readerOf(content)(m, from, w);
      trail.path.pop();
    } else {
      w = this.#readMessage(content, m, p, w, true);
    }
    return closeLength(m, start, 1, w);
  }

  /**
   * Where to read the string at `p` from: there, or a copy of it behind `w` if it holds escapes, which the readers of numbers and times do not
   * know. `reg.at` is then behind the original.
   */
  #withoutEscapes(m: Buffer, p: number, w: number): number {
    let q = p + 1;
    while (m[q]! >= 32 && m[q] !== 34 && m[q] !== 92) q++;
    if (m[q] !== 92) return p;
    const start = w + COPY_GAP;
    const end = copyString(m, p + 1, start + 1);
    for (let i = start + 1; i < end; i++) if (m[i] === 34 || m[i] === 92) expected(p, "a value without quotes in it");
    m[start] = 34;
    m.fill(0, end, end + COPY_GAP);
    m[end] = 34;
    return start;
  }

  /** The copy was read to its end: go on behind the original. */
  #endCopy(m: Buffer, p: number, after: number): void {
    if (m[reg.at] !== 0) expected(p, "a value");
    reg.at = after;
  }

  #note(type: MessageDescriptor, field: FieldDescriptor, p: number): void {
    trail.type = type;
    trail.field = field;
    trail.valueAt = p;
  }
}
