/**
 * The query of a request onto the fields of its message (SEMANTICS A1.5, A1.6).
 *
 * An entry without `=` has an empty value, as URLSearchParams reads it. Repeated values and map entries are appended; a second value for a
 * singular field, a map key or a oneof is refused rather than guessed at.
 */
import { isUtf8 } from "node:buffer";
import type { MessageDescriptor } from "../descriptor.ts";
import { decodeText, isPlain, Keep } from "../percent-decoding.ts";
import type { BindingOptions } from "./binding-options.ts";
import { resolveFieldPath, type FieldPath } from "./field-path.ts";
import { MessagePaths, mergeMessages } from "./merge-messages.ts";
import { FileField } from "./file-field.ts";
import { isFile, type FormPart } from "./form-part.ts";
import { invalidParameter, wrapIn, wrappingOf, type Origin, type Parameter } from "./parameter.ts";
import { ParameterTable, quoted, unknownParameter } from "./parameter-table.ts";
import { WireWriter } from "./wire-writer.ts";

/** What the other parts of the request decide about query parameters. */
export interface QueryRules {
  readonly options: BindingOptions;
  /** Undefined: every field may be a parameter. "*": none. Else the number of the field that the body is. */
  readonly bodyCovers: "*" | number | undefined;
  /** Fields that the path binds, by path: their query parameters have no effect. */
  readonly pathBound: ReadonlySet<string>;
  /** Members of oneofs that the path binds. */
  readonly pathOneofs: readonly (readonly [string, number])[];
  /** What the entries are: a form is written like a query, and its errors should not speak of one. */
  readonly origin: Extract<Origin, "query parameter" | "form field">;
}

/** Hears of each occurrence that is about to be written, and that was. */
export interface OccurrenceObserver {
  before(parameter: Parameter): void;
  after(parameter: Parameter, start: number): void;
}

export class QueryBinding {
  private readonly rules: QueryRules;
  private readonly ignored: ReadonlySet<string>;
  private readonly root: MessageDescriptor;
  /** One per message type that parameters reach into: the root, and elements of repeated messages. */
  private readonly tables = new Map<MessageDescriptor, ParameterTable>();

  constructor(root: MessageDescriptor, rules: QueryRules) {
    this.root = root;
    this.rules = rules;
    this.ignored = new Set(rules.options.ignoredParameters);
  }

  /**
   * Appends the parameters of `query`, as it stands behind the `?`, to `out`.
   * @returns the messages that parameters were written into, if any
   * @throws CallError
   */
  bind(query: string, out: WireWriter, observer: OccurrenceObserver | undefined): MessagePaths | undefined {
    const scope = new Scope(this.rules, this.tables, this.tableOf(this.root), out, observer);
    let count = 0;
    let equals = -2;
    for (let start = 0; start <= query.length;) {
      let end = query.indexOf("&", start);
      if (end < 0) end = query.length;
      if (end > start) {
        if (++count > this.rules.options.maxParameters)
          throw invalidParameter("", `more than ${this.rules.options.maxParameters} ${this.rules.origin}s`);
        // Looked for again only when passed, or a query of many entries without `=` would be searched to its end for each.
        if (equals !== -1 && equals < start) equals = query.indexOf("=", start);
        const nameEnd = equals === -1 || equals > end ? end : equals;
        this.bindEntry(decodedName(query.slice(start, nameEnd), this.rules.origin), query.slice(Math.min(nameEnd + 1, end), end), scope);
      }
      start = end + 1;
    }
    scope.finish();
    return scope.paths;
  }

  /** Appends the parts of a `multipart/form-data` body. @throws CallError */
  bindParts(parts: readonly FormPart[], out: WireWriter): MessagePaths | undefined {
    const scope = new Scope(this.rules, this.tables, this.tableOf(this.root), out, undefined);
    for (const part of parts) scope.putPart(part);
    scope.finish();
    return scope.paths;
  }

  /** The part is a file, and its field holds the bytes of one. */
  takesPieces({ name, contentType, fileName }: Omit<FormPart, "data">): boolean {
    const file = fileOf(this.root, { name, contentType, fileName, data: noBytes }, this.rules.options);
    return file !== undefined && file.field.cardinality === "singular" && file.holdsBytes && isFile({ contentType, fileName });
  }

  private bindEntry(name: string, raw: string, scope: Scope): void {
    if (this.ignored.has(name)) return;
    const { bodyCovers, options } = this.rules;
    if (bodyCovers === "*" && !options.queryOverBody) {
      if (options.ignoreUnknownParameters) return;
      throw unknownParameter(name.slice(0, 64), ": here the request body carries all fields that the path does not");
    }
    scope.put(name, raw, 0);
  }

  private tableOf(message: MessageDescriptor): ParameterTable {
    return tableIn(this.tables, message, this.rules);
  }
}

/** What of a parameter, or of a file, the rules are about. */
type Target = Pick<Parameter, "path" | "field" | "oneofs" | "numbers">;

/** Longer names are no field's. */
const longestPath = 512;
const noBytes = new Uint8Array(0);

/** One message that parameters are being written to: the request's, or an element of a repeated field. */
class Scope {
  private readonly rules: QueryRules;
  private readonly tables: Map<MessageDescriptor, ParameterTable>;
  private readonly table: ParameterTable;
  private readonly observer: OccurrenceObserver | undefined;
  readonly out: WireWriter;
  /** Paths of singular fields, and `path[key]` of map entries. Most queries have one: the set is made for the second. */
  private firstSeen: string | undefined;
  private seen: Set<string> | undefined;
  private oneofs: Map<string, number> | undefined;
  private lists: Map<string, ElementList> | undefined;
  private readonly nested: boolean;
  /** Messages that were written into, and are to be merged. */
  paths: MessagePaths | undefined;

  constructor(
    rules: QueryRules,
    tables: Map<MessageDescriptor, ParameterTable>,
    table: ParameterTable,
    out: WireWriter,
    observer: OccurrenceObserver | undefined,
    nested = false,
  ) {
    this.rules = rules;
    this.tables = tables;
    this.table = table;
    this.out = out;
    this.observer = observer;
    this.nested = nested;
    if (!nested && rules.pathOneofs.length > 0) this.oneofs = new Map(rules.pathOneofs);
  }

  put(name: string, raw: string, depth: number): void {
    const bracket = name.indexOf("[");
    if (bracket >= 0) return this.putBracketed(name, bracket, raw, depth);
    const parameter = this.table.find(name, this.rules.options.ignoreUnknownParameters);
    if (parameter === undefined || !this.mayBind(parameter, name)) return;
    const { field, path } = parameter;
    if (field.cardinality === "map") parameter.refuse(this.rules.origin, `is a map: write ${path}[key]=value`);
    if (field.cardinality === "singular") {
      this.once(path, parameter);
      this.noteOneofs(parameter);
    }
    this.observer?.before(parameter);
    const start = this.out.at;
    parameter.write(raw, this.rules.origin, Keep.NOTHING, this.out);
    this.observer?.after(parameter, start);
    this.noteMessages(parameter.numbers);
  }

  /** One part of a form: as it is where the field takes that, else as text. */
  putPart(part: FormPart): void {
    const { name } = part;
    const { options, origin } = this.rules;
    const file = fileOf(this.table.message, part, options);
    if (file === undefined) {
      this.put(name, encodedText(part, origin), 0);
      return;
    }
    if (!this.mayBind(file, name)) return;
    if (file.field.cardinality === "singular") {
      this.once(file.path, file);
      this.noteOneofs(file);
    }
    file.write(part, this.out);
    this.noteMessages(file.numbers);
  }

  /** `labels[key]` of a map, or `items[0].sku` of a repeated message. */
  private putBracketed(name: string, bracket: number, raw: string, depth: number): void {
    const base = name.slice(0, bracket);
    const { options } = this.rules;
    const path = resolveFieldPath(this.table.message, base.split("."));
    if (!("message" in path) && path.field.cardinality === "repeated") return this.putElement(path, name, bracket, raw, depth);
    const parameter = this.table.find(base, options.ignoreUnknownParameters);
    if (parameter === undefined || !this.mayBind(parameter, base)) return;
    if (parameter.field.cardinality !== "map") parameter.refuse(this.rules.origin, "is not a map");
    if (!name.endsWith("]")) parameter.refuse(this.rules.origin, `is a map: write ${parameter.path}[key]=value`);
    const key = name.slice(bracket + 1, -1);
    this.once(`${parameter.path}[${key}]`, parameter);
    parameter.writeEntry(key, raw, this.rules.origin, this.out);
    this.noteMessages(parameter.numbers);
  }

  private putElement(path: FieldPath, name: string, bracket: number, raw: string, depth: number): void {
    const { options } = this.rules;
    const parts = /^\[(\d{1,6})\]\.(.+)$/s.exec(name.slice(bracket));
    const element = path.field.value;
    if (!options.repeatedMessages || parts === null || element.kind !== "message") {
      const advice = element.kind === "message" && options.repeatedMessages ? `: write ${path.text}[0].field=value` : "";
      throw invalidParameter(path.text, `${this.rules.origin} ${quoted(name.slice(0, 64))} is a repeated field${advice}`);
    }
    if (depth >= options.maxDepth)
      throw invalidParameter(path.text, `${this.rules.origin} ${quoted(path.text)} is nested deeper than ${options.maxDepth} fields`);
    if (!this.nested && this.isCovered(path.ancestors[0]?.number ?? path.field.number)) throw this.covered(path.text);
    this.lists ??= new Map();
    let list = this.lists.get(path.text);
    if (list === undefined) this.lists.set(path.text, (list = new ElementList(path)));
    const index = Number(parts[1]);
    let scope = list.elements.get(index);
    if (scope === undefined) {
      const table = tableIn(this.tables, element.message, this.rules);
      scope = new Scope(this.rules, this.tables, table, new WireWriter(64), undefined, true);
      list.elements.set(index, scope);
    }
    scope.put(parts[2]!, raw, depth + 1);
  }

  /** Writes the elements that were collected. Their numbers must have no gaps: a gap is a mistake in the request. */
  finish(): void {
    for (const { path, elements } of this.lists?.values() ?? []) {
      const wrappings = [path.field, ...path.ancestors.toReversed()].map(wrappingOf);
      const numbers = [...path.ancestors, path.field].map(({ number }) => number);
      for (let index = 0; index < elements.size; index++) {
        const element = elements.get(index);
        if (element === undefined) throw invalidParameter(path.text, `${this.rules.origin} ${quoted(`${path.text}[${index}]`)} is missing`);
        element.finish();
        const start = this.out.at;
        this.out.raw(element.out.written());
        wrapIn(wrappings, start, this.out);
        this.noteMessages(numbers);
      }
    }
    if (!this.nested || this.paths === undefined) return;
    const merged = mergeMessages(this.out.written(), this.paths);
    this.out.clear();
    this.out.raw(merged);
  }

  private noteMessages(numbers: readonly number[]): void {
    if (numbers.length > 1) (this.paths ??= new MessagePaths()).add(numbers);
  }

  /** False: something with precedence binds the field, so the parameter is left out. */
  private mayBind(parameter: Target, name: string): boolean {
    if (this.nested) return true;
    if (this.isCovered(parameter.numbers[0]!)) {
      if (this.rules.options.ignoreUnknownParameters) return false;
      throw this.covered(name);
    }
    return !this.rules.pathBound.has(parameter.path) || this.rules.options.refuseCollisions;
  }

  private isCovered(number: number): boolean {
    return this.rules.bodyCovers === number && !this.rules.options.queryOverBody;
  }

  private covered(name: string) {
    return unknownParameter(name.slice(0, 64), ": the request body carries this field");
  }

  /** A second one of a field or map key is refused. */
  private once(key: string, { field, path }: Target): void {
    if (this.firstSeen === undefined) {
      this.firstSeen = key;
      return;
    }
    this.seen ??= new Set([this.firstSeen]);
    if (this.seen.has(key)) this.refuse(path, field.cardinality === "map" ? "has a key twice" : "is given twice");
    this.seen.add(key);
  }

  private noteOneofs({ oneofs, path }: Target): void {
    for (const [oneof, member] of oneofs) {
      this.oneofs ??= new Map();
      const taken = this.oneofs.get(oneof);
      if (taken !== undefined && taken !== member) this.refuse(path, `is one of ${oneof}, of which another is given already`);
      this.oneofs.set(oneof, member);
    }
  }

  private refuse(path: string, what: string): never {
    throw invalidParameter(path, `${this.rules.origin} ${quoted(path)} ${what}`);
  }
}

/** The elements of one repeated message field, by their number in the request. */
class ElementList {
  readonly path: FieldPath;
  readonly elements = new Map<number, Scope>();

  constructor(path: FieldPath) {
    this.path = path;
  }
}

function tableIn(
  tables: Map<MessageDescriptor, ParameterTable>,
  message: MessageDescriptor,
  { options, origin }: QueryRules,
): ParameterTable {
  let table = tables.get(message);
  if (table === undefined) tables.set(message, (table = new ParameterTable(message, options, origin)));
  return table;
}

/** The field that takes the part as it is; undefined where the part is text. */
function fileOf(message: MessageDescriptor, part: FormPart, { maxDepth, json }: BindingOptions): FileField | undefined {
  const names = part.name.length > longestPath ? [] : part.name.split(".");
  const path = names.length > 0 && names.length <= maxDepth ? resolveFieldPath(message, names) : undefined;
  return path === undefined || "message" in path ? undefined : FileField.of(path, part, json);
}

/** The text of a part, written as it would stand in a query. */
function encodedText({ name, data }: FormPart, origin: Origin): string {
  if (!isUtf8(data)) throw invalidParameter(name.slice(0, 64), `${origin} ${quoted(name.slice(0, 64))} is not UTF-8`);
  return encodeURIComponent(Buffer.from(data.buffer, data.byteOffset, data.length).toString("utf8"));
}

function decodedName(raw: string, origin: Origin): string {
  if (isPlain(raw, true)) return raw;
  const name = decodeText(raw, true);
  if (name === undefined) throw invalidParameter("", `the name of a ${origin} holds a malformed escape or is not UTF-8`);
  return name;
}
