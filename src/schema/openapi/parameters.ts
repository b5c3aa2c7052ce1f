/** Path and query parameters of a binding: what the path holds, then every field that neither path nor body holds (SEMANTICS A1.5). */
import type { FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import type { PathParameter } from "./path-template.ts";
import { fitsParameter, isOpaque, isRequired, type JsonSchema, type SchemaCollection } from "./schema-of-type.ts";

/** A message that holds itself has parameters without end; deeper than this nobody writes them. */
const maxDepth = 4;
const maxQueryParameters = 200;
/** Fields looked at for one operation, of wide types that hold nothing but one another. */
const maxVisits = 5000;

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

/** As many levels of nested fields as fit: the outer ones must not be crowded out by the inner ones of a wide type. */
export function queryParameters(
  input: MessageDescriptor,
  bound: ReadonlySet<string>,
  bodyField: string,
  schemas: SchemaCollection,
): JsonSchema[] {
  let parameters: JsonSchema[] | undefined;
  for (let levels = maxDepth; parameters === undefined; levels--) parameters = parametersTo(levels, input, bound, bodyField, schemas);
  return parameters;
}

/** Undefined when there are too many; never for the outermost level alone, of which the first ones are taken. */
function parametersTo(
  levels: number,
  input: MessageDescriptor,
  bound: ReadonlySet<string>,
  bodyField: string,
  schemas: SchemaCollection,
): JsonSchema[] | undefined {
  const parameters: JsonSchema[] = [];
  let visits = 0;
  const visit = (message: MessageDescriptor, protoPrefix: string, jsonPrefix: string, depth: number): boolean => {
    for (const field of message.fields) {
      if (++visits > maxVisits || parameters.length >= maxQueryParameters) return levels === 0;
      const protoName = protoPrefix + field.name;
      if (bound.has(protoName) || (depth === 0 && field.name === bodyField) || field.behaviors.includes("OUTPUT_ONLY")) continue;
      const name = jsonPrefix + schemas.nameOf(field);
      if (fitsParameter(field.value)) parameters.push(queryParameter(name, field, schemas));
      else if (field.cardinality === "singular" && field.value.kind === "message" && depth < levels && !isOpaque(field.value.message))
        if (!visit(field.value.message, `${protoName}.`, `${name}.`, depth + 1)) return false;
    }
    return true;
  };
  return visit(input, "", "", 0) ? parameters : undefined;
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
