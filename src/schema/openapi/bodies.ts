/**
 * Request and response bodies of a binding: JSON, the forms of a stream (SEMANTICS A1.12, A1.13), or bytes (`google.api.HttpBody`).
 *
 * The trap: OpenAPI 3.1 has no word for "one after the other", so a stream of lines or events has the schema of one message, and a failure in
 * the middle is told in words.
 */
import type { HttpBinding } from "../../core/method.ts";
import type { FieldDescriptor, MessageDescriptor, MethodDescriptor } from "../descriptor.ts";
import { fieldAt } from "./parameters.ts";
import { isRequired, type JsonSchema, type SchemaCollection } from "./schema-of-type.ts";

const binary: JsonSchema = { "*/*": { schema: { type: "string", format: "binary" } } };

const streamed =
  'Messages as they come, in the form that `Accept` asks for. A failure after the first is one last record, `{"error": google.rpc.Status}`' +
  " (an event named `error`).";
const streamedBytes = "Bytes as they come. A failure after the first breaks the answer off.";
const bothWays = "Messages are taken and answered at the same time, over HTTP/2 only.";

/** @param bound fields that the path holds, in dotted proto names */
export function requestBody(
  method: MethodDescriptor,
  binding: HttpBinding,
  bound: ReadonlySet<string>,
  schemas: SchemaCollection,
): JsonSchema | undefined {
  const { body } = binding;
  const { input } = method;
  if (body === "") return undefined;
  const note = method.clientStreaming && method.serverStreaming ? { description: bothWays } : {};
  if (body === "*") {
    if (isHttpBody(input)) return { ...note, required: true, content: binary };
    const takes = input.fields.filter(({ name }) => !bound.has(name));
    const schema = takes.length < input.fields.length ? schemas.messageWithout(input, bound) : schemas.message(input);
    return { ...note, required: takes.length > 0, content: content(schema, method.clientStreaming, false) };
  }
  const field = fieldAt(input, body);
  if (field === undefined) return undefined;
  const described = { ...(field.comment !== undefined && { description: field.comment }), ...note };
  if (isRaw(field)) return { ...described, required: true, content: binary };
  return { ...described, required: true, content: content(fieldBody(field, bound, schemas), method.clientStreaming, false) };
}

/** The answer to a call that went well. */
export function response(method: MethodDescriptor, binding: HttpBinding, httpMethod: string, schemas: SchemaCollection): JsonSchema {
  const { output, serverStreaming } = method;
  const field = binding.responseBody === "" ? undefined : fieldAt(output, binding.responseBody);
  const raw = field === undefined ? isHttpBody(output) : isRaw(field);
  const description = !serverStreaming ? "OK" : raw ? streamedBytes : streamed;
  if (httpMethod === "head") return { description };
  if (raw) return { description, content: binary };
  const schema = field === undefined ? schemas.message(output) : schemas.field(field);
  return { description, content: content(schema, serverStreaming, true) };
}

/** A field that is the body. What the path says of it need not be said again, so it must not be required there. */
function fieldBody(field: FieldDescriptor, bound: ReadonlySet<string>, schemas: SchemaCollection): JsonSchema {
  if (field.cardinality === "singular" && field.value.kind === "message") {
    const { message } = field.value;
    const inPath = new Set(message.fields.filter(({ name }) => bound.has(`${field.name}.${name}`)).map(({ name }) => name));
    if (message.fields.some((each) => inPath.has(each.name) && isRequired(each))) return schemas.messageWithout(message, inPath);
  }
  return schemas.field(field);
}

function content(schema: JsonSchema, streaming: boolean, isResponse: boolean): JsonSchema {
  if (!streaming) return { "application/json": { schema } };
  return {
    "application/json": { schema: { type: "array", items: schema } },
    "application/x-ndjson": { schema },
    ...(isResponse && { "text/event-stream": { schema } }),
  };
}

function isHttpBody({ name }: MessageDescriptor): boolean {
  return name === "google.api.HttpBody";
}

function isRaw({ value, cardinality }: FieldDescriptor): boolean {
  return value.kind === "message" && cardinality !== "repeated" && isHttpBody(value.message);
}
