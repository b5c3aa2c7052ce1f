/**
 * grpc.reflection.v1 and v1alpha (protos/grpc/reflection/v1/reflection.proto) over the schema in use; the two differ in name only.
 *
 * The trap: a question without an answer is an `error_response` and the stream goes on; only what is no protobuf ends it.
 */
import type { Call } from "../core/call.ts";
import { Code } from "../core/code.ts";
import type { Reply } from "../core/reply.ts";
import type { Schema } from "../schema/descriptor.ts";
import type { FileDescriptor } from "../schema/files/file-descriptor.ts";
import { ProtoReader } from "../schema/files/proto-reader.ts";
import { ProtoWriter } from "../schema/files/proto-writer.ts";
import { ownSchema } from "./own-schema.ts";
import { readRequest, requestBytes, streamReply } from "./own-reply.ts";
import { ReflectedFiles } from "./reflected-files.ts";

/** Field numbers of ServerReflectionRequest.message_request. */
const Ask = { fileByName: 3, fileOfSymbol: 4, fileOfExtension: 5, extensionsOfType: 6, services: 7 } as const;

interface Question {
  readonly host: string;
  /** The last of the fields that was set; 0 for none. */
  readonly ask: number;
  readonly text: string;
  readonly extensionNumber: number;
}

export class ReflectionService {
  private readonly schema: () => Schema | undefined;
  private indexed:
    { readonly schema: Schema | undefined; readonly files: ReflectedFiles; readonly services: readonly string[] } | undefined;

  /** @param schema what is served at the moment */
  constructor(schema: () => Schema | undefined) {
    this.schema = schema;
  }

  answer(call: Call): Promise<Reply> {
    const sent = new Set<string>();
    const { messages } = call;
    const next = async (): Promise<Uint8Array | undefined> => {
      const payload = await messages.next();
      if (payload === undefined) return undefined;
      const bytes = requestBytes(call, payload);
      return this.answerTo(
        bytes,
        readRequest(() => readQuestion(bytes)),
        sent,
      );
    };
    return Promise.resolve(streamReply(call, { next, stop: () => undefined }));
  }

  private answerTo(request: Uint8Array, question: Question, sent: Set<string>): Uint8Array {
    const answer = new ProtoWriter();
    if (question.host !== "") answer.string(1, question.host);
    answer.bytes(2, request);
    const { files, services } = this.index();
    const { ask, text, extensionNumber } = question;
    switch (ask) {
      case Ask.fileByName:
        return putFiles(answer, files, files.byName(text), sent, `file ${quote(text)}`);
      case Ask.fileOfSymbol:
        return putFiles(answer, files, files.bySymbol(text), sent, `symbol ${quote(text)}`);
      case Ask.fileOfExtension:
        return putFiles(answer, files, files.byExtension(text, extensionNumber), sent, `extension ${extensionNumber} of ${quote(text)}`);
      case Ask.extensionsOfType:
        return putExtensions(answer, text, files.extensionNumbers(text));
      case Ask.services:
        return putServices(answer, services);
      default:
        return putError(answer, Code.INVALID_ARGUMENT, "the request asks nothing");
    }
  }

  /** Made when somebody asks, and again when the schema is another. */
  private index(): { readonly files: ReflectedFiles; readonly services: readonly string[] } {
    const schema = this.schema();
    if (this.indexed === undefined || this.indexed.schema !== schema) {
      const schemas = schema === undefined ? [ownSchema()] : [schema, ownSchema()];
      const names = schemas.flatMap(({ services }) => services.map(({ name }) => name));
      const files = new ReflectedFiles(schemas.map(({ descriptorSet }) => descriptorSet));
      this.indexed = { schema, files, services: [...new Set(names)].sort() };
    }
    return this.indexed;
  }
}

function putFiles(
  answer: ProtoWriter,
  files: ReflectedFiles,
  file: FileDescriptor | undefined,
  sent: Set<string>,
  what: string,
): Uint8Array {
  if (file === undefined) return putError(answer, Code.NOT_FOUND, `${what} is not known`);
  const found = new ProtoWriter();
  for (const { bytes } of files.withImports(file, sent)) found.bytes(1, bytes);
  return answer.message(4, found).finish();
}

function putExtensions(answer: ProtoWriter, type: string, numbers: readonly number[] | undefined): Uint8Array {
  if (numbers === undefined) return putError(answer, Code.NOT_FOUND, `message ${quote(type)} is not known`);
  const found = new ProtoWriter().string(1, type);
  const packed = new ProtoWriter();
  for (const number of numbers) packed.bareInt(number);
  if (numbers.length > 0) found.message(2, packed);
  return answer.message(5, found).finish();
}

function putServices(answer: ProtoWriter, names: readonly string[]): Uint8Array {
  const found = new ProtoWriter();
  for (const name of names) found.message(1, new ProtoWriter().string(1, name));
  return answer.message(6, found).finish();
}

function putError(answer: ProtoWriter, code: Code, message: string): Uint8Array {
  return answer.message(7, new ProtoWriter().int(1, code).string(2, message)).finish();
}

function readQuestion(bytes: Uint8Array): Question {
  const reader = new ProtoReader(bytes);
  let host = "";
  let ask = 0;
  let text = "";
  let extensionNumber = 0;
  while (reader.next()) {
    const { field } = reader;
    if (field === 1) host = reader.string();
    else if (field === Ask.fileOfExtension) {
      // A message that occurs twice in a row is merged; another member of the oneof in between starts anew.
      if (ask !== field) [text, extensionNumber] = ["", 0];
      ask = field;
      const extension = reader.message();
      while (extension.next()) {
        if (extension.field === 1) text = extension.string();
        else if (extension.field === 2) extensionNumber = extension.int32();
        else extension.skip();
      }
    } else if (field >= Ask.fileByName && field <= Ask.services) {
      ask = field;
      text = reader.string();
    } else reader.skip();
  }
  return { host, ask, text, extensionNumber };
}

/** The caller's text, made fit for a message to read. */
function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text);
}
