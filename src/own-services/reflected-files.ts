/**
 * The files of a schema as reflection is asked for them: by name, by a symbol they declare, by an extension they define.
 *
 * The trap: a file goes out in the bytes it came in, because custom options and whatever else nobody here reads must survive.
 */
import type { EnumProto, FieldProto, FileDescriptor, MessageProto } from "../schema/files/file-descriptor.ts";
import { readFileSet } from "../schema/files/file-set.ts";

export class ReflectedFiles {
  private readonly files = new Map<string, FileDescriptor>();
  /** By full name: messages, fields, oneofs, enums, enum values, services, methods, extensions. */
  private readonly symbols = new Map<string, FileDescriptor>();
  /** By the full name of what they extend, then by number. */
  private readonly extensions = new Map<string, Map<number, FileDescriptor>>();

  /** @param sets descriptor sets; of files or symbols that two of them hold the first one's count */
  constructor(sets: readonly Uint8Array[]) {
    for (const set of sets) for (const file of readFileSet(set)) this.add(file);
  }

  byName(name: string): FileDescriptor | undefined {
    return this.files.get(name);
  }

  /** @param symbol full name, without a leading dot */
  bySymbol(symbol: string): FileDescriptor | undefined {
    return this.symbols.get(symbol);
  }

  byExtension(type: string, number: number): FileDescriptor | undefined {
    return this.extensions.get(type)?.get(number);
  }

  /** Numbers of the extensions of a message, in order; undefined when there is no such message. */
  extensionNumbers(type: string): readonly number[] | undefined {
    const numbers = this.extensions.get(type);
    if (numbers === undefined) return this.symbols.has(type) ? [] : undefined;
    return [...numbers.keys()].sort((a, b) => a - b);
  }

  /** The file, then whatever it imports, directly or not, that is not in `sent`; all of it is in `sent` afterwards. */
  withImports(file: FileDescriptor, sent: Set<string>): readonly FileDescriptor[] {
    const found = [file];
    sent.add(file.name);
    for (const each of found) {
      for (const name of each.dependencies) {
        const imported = this.files.get(name);
        if (imported === undefined || sent.has(name)) continue;
        sent.add(name);
        found.push(imported);
      }
    }
    return found;
  }

  private add(file: FileDescriptor): void {
    if (this.files.has(file.name)) return;
    this.files.set(file.name, file);
    const scope = file.package === "" ? "" : `${file.package}.`;
    for (const message of file.messages) this.addMessage(message, scope, file);
    for (const each of file.enums) this.addEnum(each, scope, file);
    for (const extension of file.extensions) this.addExtension(extension, scope, file);
    for (const { name, methods } of file.services) {
      this.define(scope + name, file);
      for (const method of methods) this.define(`${scope}${name}.${method.name}`, file);
    }
  }

  private addMessage(message: MessageProto, scope: string, file: FileDescriptor): void {
    const name = scope + message.name;
    this.define(name, file);
    const inside = `${name}.`;
    for (const field of message.fields) this.define(inside + field.name, file);
    for (const oneof of message.oneofs) this.define(inside + oneof.name, file);
    for (const nested of message.messages) this.addMessage(nested, inside, file);
    for (const each of message.enums) this.addEnum(each, inside, file);
    for (const extension of message.extensions) this.addExtension(extension, inside, file);
  }

  /** Values are siblings of their enum, as in C++. */
  private addEnum({ name, values }: EnumProto, scope: string, file: FileDescriptor): void {
    this.define(scope + name, file);
    for (const value of values) this.define(scope + value.name, file);
  }

  private addExtension({ name, extendee, number }: FieldProto, scope: string, file: FileDescriptor): void {
    this.define(scope + name, file);
    const type = extendee.replace(/^\./, "");
    let numbers = this.extensions.get(type);
    if (numbers === undefined) this.extensions.set(type, (numbers = new Map<number, FileDescriptor>()));
    if (!numbers.has(number)) numbers.set(number, file);
  }

  private define(symbol: string, file: FileDescriptor): void {
    if (!this.symbols.has(symbol)) this.symbols.set(symbol, file);
  }
}
