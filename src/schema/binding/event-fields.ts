/**
 * Server-sent events of a method whose messages know where in the stream they are: a field of the answer is the event's id, and a field of the
 * request takes the id a client saw last (WHATWG HTML, "Server-sent events").
 *
 * The trap: the id goes into a line of its own, so a text with a line break in it would forge events. Such a text is no id.
 */
import { canonicalJson, CodecError } from "../../core/message-type.ts";
import { Payload } from "../../core/payload.ts";
import type { FieldAwareCodec } from "../codec/codec-factory.ts";
import type { FieldDescriptor, MessageDescriptor, MethodDescriptor } from "../descriptor.ts";
import { ProtoReader } from "../files/proto-reader.ts";
import { SchemaError } from "../files/schema-error.ts";
import { Keep } from "../percent-decoding.ts";
import type { EventOptions } from "./binding-options.ts";
import { resolveFieldPath } from "./field-path.ts";
import { MessagePaths, mergeMessages } from "./merge-messages.ts";
import { Parameter } from "./parameter.ts";
import { withoutField } from "./wire-fields.ts";
import { WireWriter } from "./wire-writer.ts";

export class EventFields {
  /** What of the settings does not fit the method; the rest is used. */
  readonly problems: readonly string[];
  private readonly idField: IdField | undefined;
  private readonly resume: Parameter | undefined;

  constructor({ input, output }: MethodDescriptor, { id, resume }: EventOptions) {
    const problems: string[] = [];
    const found = (setting: string, root: MessageDescriptor, path: string | undefined): Parameter | undefined => {
      if (path === undefined) return undefined;
      const parameter = textField(root, path);
      if (typeof parameter !== "string") return parameter;
      problems.push(`sse.${setting}: ${parameter}`);
      return undefined;
    };
    const idParameter = found("id", output, id);
    if (idParameter !== undefined) this.idField = idFieldOf(output, idParameter);
    this.resume = found("resume", input, resume);
    this.problems = problems;
  }

  /** The id of the event that the message is; `fallback` where no field is one, undefined where the field holds none. @throws CodecError */
  idOf(message: Payload, fallback: string): string | undefined {
    if (this.idField === undefined) return fallback;
    const { parent, ancestors, field } = this.idField;
    const wire = contentAt(message.wire(), ancestors);
    const json = (parent.codec(canonicalJson) as FieldAwareCodec).fieldWireToJson(field, wire);
    const text = String(JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.length).toString("utf8")));
    return text === "" || /[\0\r\n]/.test(text) ? undefined : text;
  }

  /** The request, to go on behind the event of this id. @throws CallError, CodecError */
  resumed(request: Payload, lastEventId: string): Payload {
    const { resume } = this;
    if (resume === undefined) return request;
    const wire = request.wire();
    const out = new WireWriter(wire.length + 64);
    // A message value would be merged into, instead of being replaced.
    out.raw(resume.merges ? withoutField(wire, resume.numbers) : wire);
    resume.write(encodeURIComponent(lastEventId), "Last-Event-ID for", Keep.NOTHING, out);
    if (resume.numbers.length === 1) return Payload.ofWire(request.type, out.take());
    const paths = new MessagePaths();
    paths.add(resume.numbers);
    return Payload.ofWire(request.type, mergeMessages(out.written(), paths));
  }
}

interface IdField {
  /** The message that holds the field, and the numbers of the fields that lead to it. */
  readonly parent: MessageDescriptor;
  readonly ancestors: readonly number[];
  readonly field: FieldDescriptor;
}

function idFieldOf(root: MessageDescriptor, { path }: Parameter): IdField {
  const resolved = resolveFieldPath(root, path.split("."));
  if ("message" in resolved) throw new TypeError(resolved.message);
  const { ancestors, field } = resolved;
  const value = ancestors.at(-1)?.value;
  return { parent: value?.kind === "message" ? value.message : root, ancestors: ancestors.map(({ number }) => number), field };
}

/** The field as a parameter; what is wrong with it where its value is no single text. */
function textField(root: MessageDescriptor, name: string): Parameter | string {
  const path = resolveFieldPath(root, name.split("."));
  if ("message" in path) return path.message + path.hint;
  const parameter = Parameter.of(path, canonicalJson);
  const delimited = path.ancestors.some(({ value }) => value.kind === "message" && value.delimited);
  if (parameter === undefined || parameter.isJson || path.field.cardinality !== "singular" || delimited)
    return `${name} of ${root.name} is not a field with a single value`;
  return parameter;
}

/** The content of the message at `numbers`; empty where there is none. @throws CodecError */
function contentAt(wire: Uint8Array, numbers: readonly number[]): Uint8Array {
  let content = wire;
  try {
    for (const number of numbers) {
      const reader = new ProtoReader(content);
      content = new Uint8Array(0);
      while (reader.next()) {
        if (reader.field === number && reader.wireType === 2) content = reader.view();
        else reader.skip();
      }
    }
  } catch (error) {
    throw error instanceof SchemaError ? new CodecError(error.message, "", 0) : error;
  }
  return content;
}
