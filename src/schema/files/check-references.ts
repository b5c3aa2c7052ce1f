/** Checks, for every message, extension and method, what linking relies on later: that each reference leads somewhere and no number is used twice. */
import type { FieldProto } from "./file-descriptor.ts";
import { fieldType, scalarOf } from "./field-types.ts";
import { SchemaError } from "./schema-error.ts";
import { isIdentifier, type FileScope, type MessageSymbol, type SymbolTable } from "./symbol-table.ts";

const maxFieldNumber = 0x1fffffff;

/** @throws SchemaError that names file and element. */
export function checkReferences(table: SymbolTable): void {
  for (const message of table.messages) checkMessage(message, table);
  for (const extension of table.extensions) {
    const where = `extension ${extension.name}`;
    checkField(extension.proto, where, extension.file, table);
    if (table.message(extension.proto.extendee) === undefined)
      throw unknownType(extension.file, where, "extends", extension.proto.extendee, table);
  }
  for (const extended of table.messages) checkNumbers(table.extensionsFor(extended.name), extended);
  for (const service of table.services) {
    const names = new Set<string>();
    for (const method of service.proto.methods) {
      const where = `method ${service.name}.${method.name}`;
      if (!isIdentifier(method.name)) throw new SchemaError(`${service.file.name}: ${JSON.stringify(method.name)} is not a name`);
      if (names.has(method.name)) throw new SchemaError(`${service.file.name}: ${where} is defined twice`);
      names.add(method.name);
      if (table.message(method.input) === undefined) throw unknownType(service.file, where, "takes", method.input, table);
      if (table.message(method.output) === undefined) throw unknownType(service.file, where, "returns", method.output, table);
    }
  }
}

function checkMessage(message: MessageSymbol, table: SymbolTable): void {
  const { file, proto } = message;
  const names = new Set<string>();
  const numbers = new Map<number, string>();
  for (const oneof of proto.oneofs)
    if (!isIdentifier(oneof.name)) throw new SchemaError(`${file.name}: ${JSON.stringify(oneof.name)} is not a name`);
  for (const field of proto.fields) {
    const where = `field ${message.name}.${field.name}`;
    checkField(field, where, file, table);
    if (names.has(field.name)) throw new SchemaError(`${file.name}: ${where} is defined twice`);
    names.add(field.name);
    const before = numbers.get(field.number);
    if (before !== undefined) throw new SchemaError(`${file.name}: ${where} has number ${field.number}, as has ${before}`);
    numbers.set(field.number, field.name);
    if (field.oneofIndex !== undefined && proto.oneofs[field.oneofIndex] === undefined)
      throw new SchemaError(`${file.name}: ${where} belongs to oneof ${field.oneofIndex}, which ${message.name} does not have`);
  }
  if (message.mapEntry) checkMapEntry(message);
}

function checkField(field: FieldProto, where: string, file: FileScope, table: SymbolTable): void {
  if (!isIdentifier(field.name)) throw new SchemaError(`${file.name}: ${JSON.stringify(field.name)} is not a name`);
  if (field.number < 1 || field.number > maxFieldNumber) throw new SchemaError(`${file.name}: ${where} has number ${field.number}`);
  if (field.label < 1 || field.label > 3) throw new SchemaError(`${file.name}: ${where} has label ${field.label}`);
  if (field.type < 0 || field.type > 18 || (field.type === 0 && field.typeName === ""))
    throw new SchemaError(`${file.name}: ${where} has type number ${field.type}`);
  if (scalarOf(field.type) !== undefined) return;
  const target = table.type(field.typeName);
  if (target === undefined) throw unknownType(file, where, "has type", field.typeName, table);
  if (field.type === fieldType.enum && target.kind !== "enum")
    throw new SchemaError(`${file.name}: ${where} is an enum field, but ${target.name} is a message`);
  if ((field.type === fieldType.message || field.type === fieldType.group) && target.kind !== "message")
    throw new SchemaError(`${file.name}: ${where} is a message field, but ${target.name} is an enum`);
}

function checkMapEntry({ name, file, proto }: MessageSymbol): void {
  const key = proto.fields.find((field) => field.number === 1);
  const value = proto.fields.find((field) => field.number === 2);
  const keyScalar = key && scalarOf(key.type);
  const fits = keyScalar !== undefined && keyScalar !== "double" && keyScalar !== "float" && keyScalar !== "bytes";
  if (!fits || value === undefined || value.label === 3 || key!.label === 3 || proto.fields.length !== 2)
    throw new SchemaError(`${file.name}: ${name} is marked as the entry of a map, but is not made like one`);
}

function checkNumbers(fields: readonly { readonly name: string; readonly proto: FieldProto }[], extended: MessageSymbol): void {
  if (fields.length === 0) return;
  const numbers = new Map(extended.proto.fields.map((field) => [field.number, field.name]));
  for (const { name, proto } of fields) {
    const before = numbers.get(proto.number);
    if (before !== undefined)
      throw new SchemaError(`${extended.file.name}: extension ${name} of ${extended.name} has number ${proto.number}, as has ${before}`);
    numbers.set(proto.number, name);
  }
}

function unknownType(file: FileScope, where: string, verb: string, reference: string, table: SymbolTable): SchemaError {
  const name = reference.replace(/^\./, "");
  if (table.type(name) !== undefined) return new SchemaError(`${file.name}: ${where} ${verb} ${name}, which is an enum`);
  return new SchemaError(`${file.name}: ${where} ${verb} ${name === "" ? "nothing" : name}, which no file of the schema defines`);
}
