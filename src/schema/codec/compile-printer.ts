/**
 * Generates the wire -> JSON printer of one message type: wire bytes to JSON bytes in one pass, with no object in between.
 *
 * It prints fields in the order of the wire, as serializers write them: each field once, repeated ones in one run. A field that comes again, a
 * second member of a oneof, an unknown number of a closed enum or a map key twice makes it give up, and the interpreter sorts it out.
 * Every value is printed as `,"name":value`; at the end the first comma becomes the opening brace.
 */
import { Buffer } from "node:buffer";
import type { JsonProfile } from "../../core/message-type.ts";
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor, ScalarType } from "../descriptor.ts";
import { standsAt, storeBytes, storeText, tagBytes } from "./code-text.ts";
import { enumNames } from "./enum-names.ts";
import { isNullValue, isPackable, planOf, wireTypeOfValue } from "./plan.ts";
import { printerPrimitives } from "./primitives.ts";
import { SLACK_BYTES } from "./registers.ts";
import { defaultJson, wireTypeOf } from "./scalar.ts";
import type { Link, Printer } from "./transcoder.ts";
import { defaultOf } from "./wire-interpreter.ts";

/** Messages with more fields get a function for each field: V8 does not optimise very large ones. */
const MAX_INLINE_FIELDS = 32;

const GIVE_UP = "giveUp(p);";
const RELOAD = "m=reg.memory;D=reg.view;";

export function compilePrinter(type: MessageDescriptor, profile: JsonProfile, linkOf: (type: MessageDescriptor) => Link): Printer {
  return new PrinterText(profile, linkOf).compile(planOf(type).fields);
}

/** A printer that takes only one field of the message and skips the others: `{"field":value}` or `{}`. */
export function compileFieldPrinter(field: FieldDescriptor, profile: JsonProfile, linkOf: (type: MessageDescriptor) => Link): Printer {
  return new PrinterText(profile, linkOf).compile([field]);
}

class PrinterText {
  readonly #profile: JsonProfile;
  readonly #linkOf: (type: MessageDescriptor) => Link;
  readonly #links: Link[] = [];
  readonly #linkIndex = new Map<MessageDescriptor, number>();
  readonly #enumIndex = new Map<EnumDescriptor, number>();
  #head = "";
  #room = 0;

  constructor(profile: JsonProfile, linkOf: (type: MessageDescriptor) => Link) {
    this.#profile = profile;
    this.#linkOf = linkOf;
  }

  compile(fields: readonly FieldDescriptor[]): Printer {
    const longest = Math.max(0, ...fields.map((field) => this.#name(field).length));
    this.#room = SLACK_BYTES + longest + longestEnumName(fields);
    const apart = fields.length > MAX_INLINE_FIELDS;
    const oneofs = [...new Set(fields.map(({ oneof }) => oneof).filter((name) => name !== undefined))];
    let cases = "";
    for (const [i, field] of fields.entries()) {
      const bit = 1 << (i & 31);
      let once = `if(s${i >> 5}&${bit})${GIVE_UP}s${i >> 5}|=${bit};`;
      if (field.oneof !== undefined) once += `if(o${oneofs.indexOf(field.oneof)}!==0)${GIVE_UP}o${oneofs.indexOf(field.oneof)}=1;`;
      for (const [wireType, code] of this.#forms(field)) {
        const tag = ((field.number << 3) | wireType) >>> 0;
        if (apart) {
          this.#head += `function f${i}_${wireType}(m,p,e,w){${LOCALS}${code}reg.at=p;return w;}\n`;
          cases += `case ${tag}:${once}w=f${i}_${wireType}(m,p,e,w);p=reg.at;${RELOAD}break;\n`;
        } else {
          // A block of its own: maps and groups declare constants.
          cases += `case ${tag}:{${once}${code}break;}\n`;
        }
      }
    }
    const bits = Array.from({ length: (fields.length + 31) >> 5 }, (_, i) => `let s${i}=0;`).join("");
    const members = oneofs.map((_, i) => `let o${i}=0;`).join("");
    return this.#make(`
      if(++reg.depth>100)${GIVE_UP}
      ${LOCALS}let t=0;${bits}${members}
      const w0=w;
      ${this.#makeRoom("0")}
      while(p<e){
        t=m[p++];
        if(t>127){c=m[p];if(c<128){t=t&127|c<<7;p++;}else{t=readTag(m,p-1);p=reg.at;}}
        ${this.#makeRoom("0")}
        switch(t){${cases}
        default:if(t<8)${GIVE_UP}p=skipField(m,p,e,t);}
      }
      if(p!==e)${GIVE_UP}
      ${this.#defaults(fields)}
      if(w===w0)m[w++]=123;else m[w0]=123;
      m[w++]=125;
      reg.depth--;
      return w;`);
  }

  #make(body: string): Printer {
    const names = Object.keys(printerPrimitives).join();
    const code = `"use strict";const {${names}}=primitives;\n${this.#head}return (function print(m,p,e,w){${body}});`;
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the point of this file; only numbers of the schema become code
    const make = new Function("primitives", "links", code) as (...args: unknown[]) => Printer;
    return make(printerPrimitives, this.#links);
  }

  /** The code for each wire type that the field is read from. */
  #forms(field: FieldDescriptor): [number, string][] {
    if (field.cardinality === "map") return [[2, this.#map(field)]];
    const wireType = wireTypeOfValue(field.value);
    if (field.cardinality === "singular") return [[wireType, this.#singular(field)]];
    const run = this.#run(field, wireType);
    return isPackable(field)
      ? [
          [wireType, run],
          [2, this.#packed(field)],
        ]
      : [[wireType, run]];
  }

  #singular(field: FieldDescriptor): string {
    const { value } = field;
    const always = field.explicitPresence || field.oneof !== undefined || this.#profile.emitDefaults || value.kind === "message";
    const key = storeBytes(this.#name(field));
    const read = this.#read(field, "e");
    const print = key + this.#print(field);
    if (always) return read + print + this.#after(field);
    const set = value.kind === "enum" ? "v!==0" : value.kind === "scalar" ? isSet(value.scalar) : "true";
    return `${read}if(${set}){${print}}${this.#after(field)}`;
  }

  #run(field: FieldDescriptor, wireType: number): string {
    const tag = tagBytes(field.number, wireType);
    const element = this.#read(field, "e") + this.#print(field) + this.#after(field);
    return `${storeBytes(this.#name(field))}m[w++]=91;for(;;){${element}if(p<e&&${standsAt(tag)}){p+=${tag.length};m[w++]=44;${this.#makeRoom("0")}continue;}break;}m[w++]=93;`;
  }

  #packed(field: FieldDescriptor): string {
    const element = this.#read(field, "q") + this.#print(field);
    const empty = this.#profile.emitDefaults ? `if(n===0){${storeBytes(this.#name(field))}m[w++]=91;m[w++]=93;}` : "";
    return `${length("e")}if(n!==0){const q=p+n;${storeBytes(this.#name(field))}m[w++]=91;while(p<q){${this.#makeRoom("0")}${element}m[w++]=44;}if(p!==q)${GIVE_UP}m[w-1]=93;}${empty}`;
  }

  #map(field: FieldDescriptor): string {
    const key = field.key!;
    const keyField = { ...field, value: { kind: "scalar", ...key } } as FieldDescriptor;
    const quoted = defaultJson(key.scalar).startsWith('"');
    const printKey =
      this.#read(keyField, "q") +
      (quoted ? "" : "m[w++]=34;") +
      this.#print(keyField, false) +
      (quoted ? "" : "m[w++]=34;") +
      this.#after(keyField);
    const initialKey = storeText(quoted ? defaultJson(key.scalar) : `"${defaultJson(key.scalar)}"`);
    const printValue = this.#read(field, "q") + this.#print(field) + this.#after(field);
    const tag = tagBytes(field.number, 2);
    return (
      `${storeBytes(this.#name(field))}m[w++]=123;const b=reg.keyTop;for(;;){${length("e")}const q=p+n;let a=w;` +
      `if(p<q&&m[p]===${8 | wireTypeOf(key.scalar)}){p++;${printKey}}else{${initialKey}}noteKey(m,a,w);m[w++]=58;` +
      `if(p<q&&m[p]===${16 | wireTypeOfValue(field.value)}){p++;${printValue}}else{${this.#initial(field)}}` +
      `if(p!==q)${GIVE_UP}if(p<e&&${standsAt(tag)}){p+=${tag.length};m[w++]=44;${this.#makeRoom("0")}continue;}break;}m[w++]=125;if(sameKeys(b))${GIVE_UP}`
    );
  }

  /** A map entry without a value. */
  #initial({ value }: FieldDescriptor): string {
    if (value.kind === "message") return `w=${this.#link(value.message)}.print(m,0,0,w);${RELOAD}`;
    if (value.kind === "scalar") return storeText(defaultJson(value.scalar, this.#profile.int64Numbers));
    return `v=${(value.enum.values[0]?.number ?? 0) | 0};${this.#enum(value.enum)}`;
  }

  /** Reads what the value needs into locals: v and hi, x, or n with the value's bytes at p. */
  #read({ value, number }: FieldDescriptor, end: string): string {
    if (value.kind === "enum") return VARINT;
    if (value.kind === "message") return value.delimited ? `n=endOfGroup(m,p,${end},${number})-p;const g=reg.at;` : length(end);
    switch (value.scalar) {
      case "string":
      case "bytes":
        return `${length(end)}${this.#makeRoom("n*6")}`;
      case "double":
        return "x=D.getFloat64(p,true);p+=8;";
      case "float":
        return "x=D.getFloat32(p,true);p+=4;";
      case "fixed32":
        return "x=D.getUint32(p,true);p+=4;";
      case "sfixed32":
        return "v=D.getInt32(p,true);p+=4;";
      case "fixed64":
      case "sfixed64":
        return "v=D.getInt32(p,true);hi=D.getInt32(p+4,true);p+=8;";
      case "int32":
      case "uint32":
      case "sint32":
        return VARINT;
      default:
        return "v=m[p++];if(v>127){v=readVarint(m,p-1);p=reg.at;hi=reg.hi;}else hi=0;";
    }
  }

  #print({ value }: FieldDescriptor, safe = this.#profile.int64Numbers): string {
    if (value.kind === "enum") return this.#enum(value.enum);
    if (value.kind === "message") return `w=${this.#link(value.message)}.print(m,p,p+n,w);${RELOAD}`;
    switch (value.scalar) {
      case "string":
        return `w=${value.validateUtf8 ? "printString" : "printLenientString"}(m,p,p+n,w);`;
      case "bytes":
        return "w=printBase64(m,p,p+n,w);";
      case "bool":
        return `if(v!==0||hi!==0){${storeText("true")}}else{${storeText("false")}}`;
      case "double":
        return "w=printDouble(m,x,w);";
      case "float":
        return "w=printFloat(m,x,w);";
      case "fixed32":
        return "w=printUint32(m,x,w);";
      case "uint32":
        return "w=printUint32(m,v>>>0,w);";
      case "int32":
      case "sfixed32":
        return "w=printInt32(m,v,w);";
      case "sint32":
        return "w=printInt32(m,v>>>1^-(v&1),w);";
      case "int64":
      case "sfixed64":
        return safe ? "w=printSafeInt64(m,v,hi,w);" : "m[w]=34;w=printInt64(m,v,hi,w+1);m[w++]=34;";
      case "uint64":
      case "fixed64":
        return safe ? "w=printSafeUint64(m,v,hi,w);" : "m[w]=34;w=printUint64(m,v,hi,w+1);m[w++]=34;";
      case "sint64":
        return safe ? "reg.hi=hi;w=printSafeSint64(m,v,w);" : "m[w]=34;reg.hi=hi;w=printSint64(m,v,w+1);m[w++]=34;";
    }
  }

  /** Moves `p` behind a value that has a length. */
  #after({ value }: FieldDescriptor): string {
    if (value.kind === "message") return value.delimited ? "p=g;" : "p+=n;";
    return value.kind === "scalar" && wireTypeOf(value.scalar) === 2 ? "p+=n;" : "";
  }

  #enum(type: EnumDescriptor): string {
    if (isNullValue(type)) return storeText("null");
    if (this.#profile.enumNumbers && !type.closed) return "w=printInt32(m,v,w);";
    let i = this.#enumIndex.get(type);
    if (i === undefined) {
      i = this.#enumIndex.size;
      this.#enumIndex.set(type, i);
      let cases = "";
      for (const [number, name] of enumNames(type, this.#profile).printed) {
        const text = this.#profile.enumNumbers ? String(number) : JSON.stringify(name);
        cases += `case ${number | 0}:${storeText(text)}return w;`;
      }
      const other = type.closed ? "giveUp(w);" : "";
      this.#head += `function e${i}(m,D,v,w){switch(v){${cases}}${other}return printInt32(m,v,w);}\n`;
    }
    return `w=e${i}(m,D,v,w);`;
  }

  #defaults(fields: readonly FieldDescriptor[]): string {
    if (!this.#profile.emitDefaults) return "";
    let code = "";
    let size = 0;
    for (const [i, field] of fields.entries()) {
      const text = field.name.startsWith("[") ? undefined : defaultOf(field, this.#profile);
      if (text === undefined) continue;
      const bytes = Buffer.concat([this.#name(field), Buffer.from(text)]);
      size += bytes.length;
      code += `if((s${i >> 5}&${1 << (i & 31)})===0){${storeBytes(bytes)}}`;
    }
    return this.#makeRoom(String(size)) + code;
  }

  /** `,"name":` */
  #name(field: FieldDescriptor): Buffer {
    return Buffer.from(`,${JSON.stringify(this.#profile.protoNames ? field.name : field.jsonName)}:`);
  }

  #makeRoom(bytes: string): string {
    const need = bytes === "0" ? String(this.#room) : `${bytes}+${this.#room}`;
    return `if(w+${need}>m.length){m=grow(w,${need});D=reg.view;}`;
  }

  #link(type: MessageDescriptor): string {
    let i = this.#linkIndex.get(type);
    if (i === undefined) {
      i = this.#links.push(this.#linkOf(type)) - 1;
      this.#linkIndex.set(type, i);
      this.#head += `const l${i}=links[${i}];`;
    }
    return `l${i}`;
  }
}

/** v, hi: a varint's halves; x: a double; n: a length; c: a byte. */
const LOCALS = "let D=reg.view,v=0,hi=0,n=0,c=0,x=0.5;";

const VARINT = "v=m[p++];if(v>127){v=readVarint(m,p-1);p=reg.at;}";

/** Reads a length into n and checks it against the end. */
function length(end: string): string {
  return `n=m[p++];if(n>127){c=m[p];if(c<128){n=n&127|c<<7;p++;}else{n=readLength(m,p-1,${end});p=reg.at;}}if(p+n>${end})${GIVE_UP}`;
}

/** Whether the value read is not its type's default; -0 is not. */
function isSet(type: ScalarType): string {
  switch (type) {
    case "string":
    case "bytes":
      return "n!==0";
    case "double":
    case "float":
      return "x!==0||1/x<0";
    case "fixed32":
      return "x!==0";
    case "int32":
    case "uint32":
    case "sint32":
    case "sfixed32":
      return "v!==0";
    default:
      return "v!==0||hi!==0";
  }
}

function longestEnumName(fields: readonly FieldDescriptor[]): number {
  let longest = 0;
  for (const { value } of fields)
    if (value.kind === "enum") for (const { name } of value.enum.values) longest = Math.max(longest, 3 * name.length);
  return longest;
}
