/**
 * Generates the JSON -> wire reader of one message type: JSON bytes to wire bytes in one pass, with no object in between.
 *
 * The code knows only right and usual input. Anything else (unknown names, escapes in names, a field twice, a wrong value) makes it give up,
 * and the interpreter reads the input again. There are no room checks: see WIRE_PER_JSON.
 */
import type { JsonProfile } from "../../core/message-type.ts";
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor, ScalarType } from "../descriptor.ts";
import { matchNames, tagBytes } from "./code-text.ts";
import { enumNames } from "./enum-names.ts";
import { isNullValue, planOf, takesNull, wireTypeOfValue } from "./plan.ts";
import { readerPrimitives } from "./primitives.ts";
import { wireTypeOf } from "./scalar.ts";
import type { Link, Reader } from "./transcoder.ts";

/** Messages with more fields get a function for each field: V8 does not optimise very large ones. */
const MAX_INLINE_FIELDS = 32;

const GIVE_UP = "giveUp(p);";
const SPACE = "if(m[p]<=32)p=skipSpace(m,p);";

export function compileReader(type: MessageDescriptor, profile: JsonProfile, linkOf: (type: MessageDescriptor) => Link): Reader {
  return new ReaderText(type, profile, linkOf).compile();
}

/** The reader of one field's value alone (`body: "field"`): nothing of the message around it. */
export function compileFieldReader(
  type: MessageDescriptor,
  field: FieldDescriptor,
  profile: JsonProfile,
  linkOf: (type: MessageDescriptor) => Link,
): Reader {
  return new ReaderText(type, profile, linkOf).compileField(field);
}

class ReaderText {
  readonly #type: MessageDescriptor;
  readonly #profile: JsonProfile;
  readonly #linkOf: (type: MessageDescriptor) => Link;
  readonly #links: Link[] = [];
  readonly #linkIndex = new Map<MessageDescriptor, number>();
  readonly #tables: (Int32Array | Set<number>)[] = [];
  readonly #enumIndex = new Map<EnumDescriptor, number>();
  /** Declarations in front of the reader: names, tables, length guesses, functions of single fields. */
  #head = "";
  #guesses = 0;

  constructor(type: MessageDescriptor, profile: JsonProfile, linkOf: (type: MessageDescriptor) => Link) {
    this.#type = type;
    this.#profile = profile;
    this.#linkOf = linkOf;
  }

  compile(): Reader {
    const plan = planOf(this.#type);
    const fields = [...new Set(plan.byName.values())];
    const names = matchNames(new Map([...plan.byName].map(([name, field]) => [name, fields.indexOf(field)])));
    const apart = fields.length > MAX_INLINE_FIELDS;
    const oneofs = [...new Set(fields.map(({ oneof }) => oneof).filter((name) => name !== undefined))];
    let cases = "";
    for (const [i, field] of fields.entries()) {
      const bit = 1 << (i & 31);
      const code = this.#field(field);
      cases += `case ${i}:if(s${i >> 5}&${bit})${GIVE_UP}s${i >> 5}|=${bit};`;
      if (!(field.cardinality === "singular" && takesNull(field.value))) cases += "if(m[p]===110){p=skipNull(m,p);break;}";
      if (field.oneof !== undefined) cases += `if(o${oneofs.indexOf(field.oneof)}!==0)${GIVE_UP}o${oneofs.indexOf(field.oneof)}=1;`;
      if (apart) {
        this.#head += `function f${i}(m,p,w){${LOCALS}${code}reg.at=p;return w;}\n`;
        cases += `w=f${i}(m,p,w);p=reg.at;break;\n`;
      } else {
        cases += `${code}break;\n`;
      }
    }
    const unknown = this.#profile.ignoreUnknown && names.complete ? "p=skipUnknown(m,p,w);" : GIVE_UP;
    const bits = Array.from({ length: (fields.length + 31) >> 5 }, (_, i) => `let s${i}=0;`).join("");
    const members = oneofs.map((_, i) => `let o${i}=0;`).join("");
    this.#head += `function match(m,D,p){${names.code}}\n`;
    return this.#make(`
      if(m[p]!==123||++reg.depth>100)${GIVE_UP}
      ${LOCALS}let k=0;${bits}${members}
      p++;${SPACE}
      if(m[p]!==125)for(;;){
        if(m[p]!==34)${GIVE_UP}
        p++;
        k=match(m,D,p);
        if(k<0){${unknown}}
        else{
          p+=k&511;
          if(m[p]!==58){p=skipSpace(m,p);if(m[p]!==58)${GIVE_UP}}
          p++;${SPACE}
          switch(k>>9){${cases}}
        }
        ${SPACE}
        if(m[p]===44){p++;${SPACE}continue;}
        if(m[p]===125)break;
        ${GIVE_UP}
      }
      reg.depth--;
      reg.at=p+1;
      return w;`);
  }

  compileField(field: FieldDescriptor): Reader {
    const value = this.#field(field);
    const nullable = field.cardinality === "singular" && takesNull(field.value);
    return this.#make(`${LOCALS}${nullable ? "" : "if(m[p]===110){reg.at=skipNull(m,p);return w;}"}${value}reg.at=p;return w;`);
  }

  #make(body: string): Reader {
    const names = Object.keys(readerPrimitives).join();
    const code = `"use strict";const {${names}}=primitives;\n${this.#head}return (function read(m,p,w){${body}});`;
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the point of this file; only numbers of the schema become code
    const make = new Function("primitives", "links", "tables", code) as (...args: unknown[]) => Reader;
    return make(readerPrimitives, this.#links, this.#tables);
  }

  /** Reads the field's value at `p` and writes it with its tags. */
  #field(field: FieldDescriptor): string {
    if (field.cardinality === "map") return this.#map(field);
    if (field.cardinality === "repeated") return this.#list(field);
    return this.#tagged(field);
  }

  #tagged(field: FieldDescriptor): string {
    const { value, number } = field;
    const wireType = wireTypeOfValue(value);
    if (value.kind === "message" && value.delimited) {
      return `${put(tagBytes(number, 3))}w=${this.#link(value.message)}.read(m,p,w);p=reg.at;${put(tagBytes(number, 4))}`;
    }
    return put(tagBytes(number, wireType)) + this.#value(field);
  }

  /** One value without tag. */
  #value({ value }: FieldDescriptor): string {
    switch (value.kind) {
      case "scalar":
        return scalar(value.scalar);
      case "enum":
        return this.#enum(value.enum);
      case "message": {
        const guess = this.#guess();
        // The length takes as many bytes as it took last time; when it does not, what follows is moved.
        return `{s=w;const r=${guess};w=${this.#link(value.message)}.read(m,p,w+r);p=reg.at;n=w-s-r;if(n<128&&r===1)m[s]=n;else{w=closeLength(m,s,r,w);${guess}=sizeOfLength(n);}}`;
      }
    }
  }

  #list(field: FieldDescriptor): string {
    const packed = field.packed && field.value.kind !== "message" && wireTypeOfValue(field.value) !== 2;
    const guess = packed ? this.#guess() : "";
    const open = packed ? `${put(tagBytes(field.number, 2))}const a=w,r=${guess};w+=r;` : "";
    const close = packed ? `n=w-a-r;if(n<128&&r===1)m[a]=n;else{w=closeLength(m,a,r,w);${guess}=sizeOfLength(n);}` : "";
    const element = packed ? this.#value(field) : this.#tagged(field);
    return `if(m[p]!==91)${GIVE_UP}p++;${SPACE}if(m[p]===93)p++;else{${open}for(;;){${element}${SPACE}if(m[p]===44){p++;${SPACE}continue;}if(m[p]===93){p++;break;}${GIVE_UP}}${close}}`;
  }

  #map(field: FieldDescriptor): string {
    const key = field.key!.scalar;
    const keyTag = put([8 | wireTypeOf(key)]);
    let readKey: string;
    if (key === "string") readKey = `${scalar(key)}noteKey(m,s+1,w);`;
    else if (key === "bool") readKey = `s=w;v=readBool(m,p+1);if(v<0||m[reg.at]!==34)${GIVE_UP}m[w++]=v;p=reg.at+1;noteKey(m,s,w);`;
    else readKey = `s=w;${scalar(key)}noteKey(m,s,w);`;
    const valueTag = put([16 | wireTypeOfValue(field.value)]);
    return (
      `if(m[p]!==123)${GIVE_UP}p++;${SPACE}if(m[p]===125)p++;else{const b=reg.keyTop;for(;;){if(m[p]!==34)${GIVE_UP}` +
      `${put(tagBytes(field.number, 2))}const a=w++;${keyTag}${readKey}` +
      `if(m[p]!==58){p=skipSpace(m,p);if(m[p]!==58)${GIVE_UP}}p++;${SPACE}` +
      `${valueTag}${this.#value(field)}n=w-a-1;if(n<128)m[a]=n;else w=closeLength(m,a,1,w);` +
      `${SPACE}if(m[p]===44){p++;${SPACE}continue;}if(m[p]===125){p++;break;}${GIVE_UP}}if(sameKeys(b))${GIVE_UP}}`
    );
  }

  #enum(type: EnumDescriptor): string {
    if (isNullValue(type)) return `if(m[p]!==110)${GIVE_UP}p=skipNull(m,p);m[w++]=0;`;
    let i = this.#enumIndex.get(type);
    if (i === undefined) {
      i = this.#tables.length;
      this.#enumIndex.set(type, i);
      const numbers = [...new Set(type.values.map(({ number }) => number))];
      this.#tables.push(Int32Array.from(numbers), new Set(numbers));
      const names = matchNames(new Map([...this.#spellings(type)].map(([name, number]) => [name, numbers.indexOf(number)])));
      this.#head += `const t${i}=tables[${i}],t${i + 1}=tables[${i + 1}];function e${i}(m,D,p){${names.code}}\n`;
    }
    const closed = type.closed ? `if(!t${i + 1}.has(v))${GIVE_UP}` : "";
    return (
      `if(m[p]===34){v=e${i}(m,D,p+1);if(v<0)${GIVE_UP}p+=1+(v&511);v=t${i}[v>>9];}` +
      `else{v=bareInteger32(m,p,-2147483648,2147483647);p=reg.at;${closed}}` +
      "if(v>=0&&v<128)m[w++]=v;else w=writeInt32(m,v,w);"
    );
  }

  /** The names that are recognised here; where case does not count, those that people send, and the interpreter knows the rest. */
  #spellings(type: EnumDescriptor): ReadonlyMap<string, number> {
    const { numbers } = enumNames(type, this.#profile);
    if (!this.#profile.caseInsensitiveEnums) return numbers;
    const spellings = new Map<string, number>();
    for (const [name, number] of numbers)
      for (const spelling of [name.toLowerCase(), name.toUpperCase()]) if (!spellings.has(spelling)) spellings.set(spelling, number);
    for (const [name, number] of numbers) spellings.set(name, number);
    return spellings;
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

  #guess(): string {
    const name = `g${this.#guesses++}`;
    this.#head += `let ${name}=1;`;
    return name;
  }
}

/** v: a number, s: where a length stands, n: a length. */
const LOCALS = "const D=reg.view;let v=0,s=0,n=0;";

function put(bytes: readonly number[]): string {
  return bytes.map((byte, i) => `m[w${i === 0 ? "" : `+${i}`}]=${byte};`).join("") + `w+=${bytes.length};`;
}

/** Reads the scalar at `p` and writes it, without tag, at `w`. Leaves `s` where a string's length stands. */
function scalar(type: ScalarType): string {
  switch (type) {
    case "string":
      return `if(m[p]!==34)${GIVE_UP}s=w;w=copyString(m,p+1,w+1);p=reg.at;n=w-s-1;if(n<128)m[s]=n;else w=closeLength(m,s,1,w);`;
    case "bytes":
      return `if(m[p]!==34)${GIVE_UP}s=w;w=readBase64(m,p+1,w+1);p=reg.at;n=w-s-1;if(n<128)m[s]=n;else w=closeLength(m,s,1,w);`;
    case "bool":
      return `v=readBool(m,p);if(v<0)${GIVE_UP}m[w++]=v;p=reg.at;`;
    case "int32":
      return "v=readInteger32(m,p,-2147483648,2147483647);p=reg.at;if(v>=0&&v<128)m[w++]=v;else w=writeInt32(m,v,w);";
    case "sint32":
      return "w=writeSint32(m,readInteger32(m,p,-2147483648,2147483647),w);p=reg.at;";
    case "sfixed32":
      return "w=writeFixed32(m,readInteger32(m,p,-2147483648,2147483647),w);p=reg.at;";
    case "uint32":
      return "w=writeUint32(m,readInteger32(m,p,0,4294967295),w);p=reg.at;";
    case "fixed32":
      return "w=writeFixed32(m,readInteger32(m,p,0,4294967295),w);p=reg.at;";
    case "int64":
    case "uint64":
      return `readInteger64(m,p,${type === "int64"});p=reg.at;w=writeUint64(m,reg.lo,reg.hi,w);`;
    case "sint64":
      return "readInteger64(m,p,true);p=reg.at;w=writeSint64(m,reg.lo,reg.hi,w);";
    case "fixed64":
    case "sfixed64":
      return `readInteger64(m,p,${type === "sfixed64"});p=reg.at;w=writeFixed64(m,reg.lo,reg.hi,w);`;
    case "double":
      return "D.setFloat64(w,readDouble(m,p),true);p=reg.at;w+=8;";
    case "float":
      return "D.setFloat32(w,readFloat(m,p),true);p=reg.at;w+=4;";
  }
}
