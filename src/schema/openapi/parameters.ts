/** Path and query parameters of a binding: what the path holds, then every field that neither path nor body holds (SEMANTICS A1.5). */
import type { FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import type { PathParameter } from "./path-template.ts";
import { fitsParameter, isOpaque, isRequired, type JsonSchema, type SchemaCollection } from "./schema-of-type.ts";

/** A message that holds itself has parameters without end; deeper than this nobody writes them. */
const maxDepth = 4;
const maxQueryParameters = 200;

export function pathParameters(input: MessageDescriptor, parameters: readonly PathParameter[], schemas: SchemaCollection): JsonSchema[] {
  return parameters.map(({ name, field, many, pattern }) => {
    const bound = field === undefined ? undefined : fieldAt(input, field);
    const notes = [
      bound?.comment,
      pattern === undefined ? undefined : `Part of \`${field}\`, whose form is \`${pattern}\`.`,
      many ? "May hold several segments, slashes and all." : undefined,
    ].filter((note) => note !== undefined);
    return {
      name,
      in: "path",
      required: true,
      ...(notes.length > 0 && { description: notes.join("\n\n") }),
      ...(many && { "x-multi-segment": true }),
      schema: bound === undefined || pattern !== undefined ? { type: "string" } : schemaAlone(bound, schemas),
    };
  });
}

export function queryParameters(
  input: MessageDescriptor,
  bound: ReadonlySet<string>,
  bodyField: string,
  schemas: SchemaCollection,
): JsonSchema[] {
  const parameters: JsonSchema[] = [];
  const visit = (message: MessageDescriptor, protoPrefix: string, jsonPrefix: string, depth: number): void => {
    for (const field of message.fields) {
      if (parameters.length >= maxQueryParameters) return;
      const protoName = protoPrefix + field.name;
      if (bound.has(protoName) || (depth === 0 && field.name === bodyField) || field.behaviors.includes("OUTPUT_ONLY")) continue;
      const name = jsonPrefix + schemas.nameOf(field);
      if (fitsParameter(field.value)) parameters.push(queryParameter(name, field, schemas));
      else if (field.cardinality === "singular" && field.value.kind === "message" && depth < maxDepth && !isOpaque(field.value.message))
        visit(field.value.message, `${protoName}.`, `${name}.`, depth + 1);
    }
  };
  visit(input, "", "", 0);
  return parameters;
}

function queryParameter(name: string, field: FieldDescriptor, schemas: SchemaCollection): JsonSchema {
  return {
    name,
    in: "query",
    ...(field.comment !== undefined && { description: field.comment }),
    // Nested fields are required only where their message is given, which a parameter cannot say.
    ...(isRequired(field) && !name.includes(".") && { required: true }),
    ...(field.deprecated && { deprecated: true }),
    // f[key]=value, several times.
    ...(field.cardinality === "map" && { style: "deepObject", explode: true }),
    schema: schemaAlone(field, schemas),
  };
}

/** The field's schema without what the parameter itself says. */
function schemaAlone(field: FieldDescriptor, schemas: SchemaCollection): JsonSchema {
  const {
    description: _description,
    deprecated: _deprecated,
    readOnly: _readOnly,
    writeOnly: _writeOnly,
    ...schema
  } = schemas.field(field);
  return schema;
}

/** The field at a dotted path of proto names. */
export function fieldAt(message: MessageDescriptor, path: string): FieldDescriptor | undefined {
  return fieldsAlong(message, path).at(-1);
}

/** "shop.opening_hours" -> "shop.openingHours" */
export function jsonPath(message: MessageDescriptor, path: string, schemas: SchemaCollection): string {
  const names = path.split(".");
  return fieldsAlong(message, path)
    .map((field, i) => (field === undefined ? names[i] : schemas.nameOf(field)))
    .join(".");
}

function fieldsAlong(message: MessageDescriptor, path: string): (FieldDescriptor | undefined)[] {
  let at: MessageDescriptor | undefined = message;
  return path.split(".").map((name) => {
    const field: FieldDescriptor | undefined = at?.fields.find((each) => each.name === name);
    at = field?.value.kind === "message" ? field.value.message : undefined;
    return field;
  });
}
