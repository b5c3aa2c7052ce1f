/**
 * google/protobuf/descriptor.proto as plain objects, and how to read them from bytes.
 *
 * Read by hand rather than by a reflective library, because start-up pays for it: what a sidecar needs of a 180 KB set takes 3 ms here.
 * Options keep their bytes (custom options are extensions, of which only the reader of the option knows the type); so do comments.
 */
import { ProtoReader } from "./proto-reader.ts";
import { SchemaError } from "./schema-error.ts";

/** `google.protobuf.FeatureSet` as numbers; undefined is inherited. */
export interface Features {
  readonly fieldPresence?: number;
  readonly enumType?: number;
  readonly repeatedFieldEncoding?: number;
  readonly utf8Validation?: number;
  readonly messageEncoding?: number;
}

interface Options {
  readonly features: Features | undefined;
  readonly deprecated: boolean;
  /** The serialized options message, several occurrences concatenated (which merges them). */
  readonly bytes: Uint8Array;
}

export interface FileDescriptor {
  readonly name: string;
  readonly package: string;
  readonly dependencies: readonly string[];
  readonly messages: readonly MessageProto[];
  readonly enums: readonly EnumProto[];
  readonly services: readonly ServiceProto[];
  readonly extensions: readonly FieldProto[];
  readonly options: Options;
  readonly syntax: string;
  readonly edition: number;
  /** `google.protobuf.SourceCodeInfo`, unread. */
  readonly sourceInfo: Uint8Array | undefined;
  /** The serialized FileDescriptorProto. */
  readonly bytes: Uint8Array;
}

export interface MessageProto {
  readonly name: string;
  readonly fields: readonly FieldProto[];
  readonly messages: readonly MessageProto[];
  readonly enums: readonly EnumProto[];
  readonly extensions: readonly FieldProto[];
  readonly oneofs: readonly OneofProto[];
  readonly options: Options;
}

interface OneofProto {
  readonly name: string;
  readonly options: Options;
}

export interface FieldProto {
  readonly name: string;
  readonly extendee: string;
  readonly number: number;
  /** 1 optional, 2 required, 3 repeated */
  readonly label: number;
  /** `FieldDescriptorProto.Type`; 0 when only the type's name is given. */
  readonly type: number;
  readonly typeName: string;
  readonly jsonName: string | undefined;
  readonly oneofIndex: number | undefined;
  readonly proto3Optional: boolean;
  readonly options: Options;
}

export interface EnumProto {
  readonly name: string;
  readonly values: readonly { readonly name: string; readonly number: number }[];
  readonly options: Options;
}

export interface ServiceProto {
  readonly name: string;
  readonly methods: readonly MethodProto[];
}

export interface MethodProto {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
  readonly options: Options;
}

/** Deeper nesting than any compiler accepts; keeps recursion bounded. */
const maxNesting = 64;

const noBytes = new Uint8Array(0);
const noOptions: Options = { features: undefined, deprecated: false, bytes: noBytes };

/** Where each options message keeps `features` and `deprecated` (0: it has none). */
const fileOptions = [50, 23] as const;
const messageOptions = [12, 3] as const;
const fieldOptions = [21, 3] as const;
const oneofOptions = [1, 0] as const;
const enumOptions = [7, 3] as const;
const methodOptions = [35, 33] as const;

/** @throws SchemaError when the bytes are not a FileDescriptorProto. */
export function readFileDescriptor(bytes: Uint8Array): FileDescriptor {
  const reader = new ProtoReader(bytes);
  const dependencies: string[] = [];
  const messages: MessageProto[] = [];
  const enums: EnumProto[] = [];
  const services: ServiceProto[] = [];
  const extensions: FieldProto[] = [];
  let name = "";
  let packageName = "";
  let syntax = "";
  let edition = 0;
  let options = noOptions;
  let sourceInfo: Uint8Array | undefined;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        name = reader.string();
        break;
      case 2:
        packageName = reader.string();
        break;
      case 3:
        dependencies.push(reader.string());
        break;
      case 4:
        messages.push(readMessage(reader.message(), 0));
        break;
      case 5:
        enums.push(readEnum(reader.message()));
        break;
      case 6:
        services.push(readService(reader.message()));
        break;
      case 7:
        extensions.push(readField(reader.message()));
        break;
      case 8:
        options = readOptions(reader.view(), fileOptions, options);
        break;
      case 9:
        sourceInfo = reader.view();
        break;
      case 12:
        syntax = reader.string();
        break;
      case 14:
        edition = reader.int32();
        break;
      default:
        reader.skip();
    }
  }
  return { name, package: packageName, dependencies, messages, enums, services, extensions, options, syntax, edition, sourceInfo, bytes };
}

function readMessage(reader: ProtoReader, depth: number): MessageProto {
  if (depth > maxNesting) throw new SchemaError(`messages are nested more than ${maxNesting} deep`);
  const fields: FieldProto[] = [];
  const messages: MessageProto[] = [];
  const enums: EnumProto[] = [];
  const extensions: FieldProto[] = [];
  const oneofs: OneofProto[] = [];
  let name = "";
  let options = noOptions;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        name = reader.string();
        break;
      case 2:
        fields.push(readField(reader.message()));
        break;
      case 3:
        messages.push(readMessage(reader.message(), depth + 1));
        break;
      case 4:
        enums.push(readEnum(reader.message()));
        break;
      case 6:
        extensions.push(readField(reader.message()));
        break;
      case 7:
        options = readOptions(reader.view(), messageOptions, options);
        break;
      case 8:
        oneofs.push(readOneof(reader.message()));
        break;
      default:
        reader.skip();
    }
  }
  return { name, fields, messages, enums, extensions, oneofs, options };
}

function readOneof(reader: ProtoReader): OneofProto {
  let name = "";
  let options = noOptions;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) options = readOptions(reader.view(), oneofOptions, options);
    else reader.skip();
  }
  return { name, options };
}

function readField(reader: ProtoReader): FieldProto {
  let name = "";
  let extendee = "";
  let number = 0;
  let label = 1;
  let type = 0;
  let typeName = "";
  let jsonName: string | undefined;
  let oneofIndex: number | undefined;
  let proto3Optional = false;
  let options = noOptions;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        name = reader.string();
        break;
      case 2:
        extendee = reader.string();
        break;
      case 3:
        number = reader.int32();
        break;
      case 4:
        label = reader.int32();
        break;
      case 5:
        type = reader.int32();
        break;
      case 6:
        typeName = reader.string();
        break;
      case 8:
        options = readOptions(reader.view(), fieldOptions, options);
        break;
      case 9:
        oneofIndex = reader.int32();
        break;
      case 10:
        jsonName = reader.string();
        break;
      case 17:
        proto3Optional = reader.bool();
        break;
      default:
        reader.skip();
    }
  }
  return { name, extendee, number, label, type, typeName, jsonName, oneofIndex, proto3Optional, options };
}

function readEnum(reader: ProtoReader): EnumProto {
  const values: { name: string; number: number }[] = [];
  let name = "";
  let options = noOptions;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) values.push(readEnumValue(reader.message()));
    else if (reader.field === 3) options = readOptions(reader.view(), enumOptions, options);
    else reader.skip();
  }
  return { name, values, options };
}

function readEnumValue(reader: ProtoReader): { name: string; number: number } {
  let name = "";
  let number = 0;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) number = reader.int32();
    else reader.skip();
  }
  return { name, number };
}

function readService(reader: ProtoReader): ServiceProto {
  const methods: MethodProto[] = [];
  let name = "";
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) methods.push(readMethod(reader.message()));
    else reader.skip();
  }
  return { name, methods };
}

function readMethod(reader: ProtoReader): MethodProto {
  let name = "";
  let input = "";
  let output = "";
  let clientStreaming = false;
  let serverStreaming = false;
  let options = noOptions;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        name = reader.string();
        break;
      case 2:
        input = reader.string();
        break;
      case 3:
        output = reader.string();
        break;
      case 4:
        options = readOptions(reader.view(), methodOptions, options);
        break;
      case 5:
        clientStreaming = reader.bool();
        break;
      case 6:
        serverStreaming = reader.bool();
        break;
      default:
        reader.skip();
    }
  }
  return { name, input, output, clientStreaming, serverStreaming, options };
}

function readOptions(view: Uint8Array, [featuresField, deprecatedField]: readonly [number, number], before: Options): Options {
  // A message field that occurs twice is merged, which is what reading both byte runs in a row does.
  const bytes = before === noOptions ? view : Buffer.concat([before.bytes, view]);
  const reader = new ProtoReader(bytes);
  let features: Features | undefined;
  let deprecated = false;
  while (reader.next()) {
    if (reader.field === featuresField) features = { ...features, ...readFeatures(reader.message()) };
    else if (reader.field === deprecatedField) deprecated = reader.bool();
    else reader.skip();
  }
  return { features, deprecated, bytes };
}

function readFeatures(reader: ProtoReader): Features {
  const features: { -readonly [K in keyof Features]: number } = {};
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        features.fieldPresence = reader.int32();
        break;
      case 2:
        features.enumType = reader.int32();
        break;
      case 3:
        features.repeatedFieldEncoding = reader.int32();
        break;
      case 4:
        features.utf8Validation = reader.int32();
        break;
      case 5:
        features.messageEncoding = reader.int32();
        break;
      default:
        reader.skip();
    }
  }
  return features;
}
