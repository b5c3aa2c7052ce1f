/** A request to begin with: a value of every field that one may set. Types may hold themselves, so it ends a few levels down. */
import { resolve, type ApiDocument, type Schema } from "./model.ts";

const deepest = 4;

export function exampleOf(schema: Schema, document: ApiDocument, depth = 0, seen: readonly string[] = []): unknown {
  const { $ref } = schema;
  if ($ref !== undefined && seen.includes($ref)) return undefined;
  const resolved = resolve(schema, document);
  const inside = $ref === undefined ? seen : [...seen, $ref];
  if (resolved.examples?.[0] !== undefined) return resolved.examples[0];
  if (resolved.enum !== undefined) return resolved.enum[1] ?? resolved.enum[0];
  const type = typeof resolved.type === "string" ? resolved.type : resolved.type?.[0];
  switch (type) {
    case "object":
      return objectExample(resolved, document, depth, inside);
    case "array": {
      const item = depth >= deepest ? undefined : exampleOf(resolved.items ?? {}, document, depth + 1, inside);
      return item === undefined ? [] : [item];
    }
    case "boolean":
      return false;
    case "integer":
    case "number":
      return 0;
    case "string":
      return textExample(resolved.format);
    default:
      return null;
  }
}

function objectExample(schema: Schema, document: ApiDocument, depth: number, seen: readonly string[]): object {
  const example: Record<string, unknown> = {};
  if (depth >= deepest) return example;
  if (typeof schema.additionalProperties === "object") {
    const value = exampleOf(schema.additionalProperties, document, depth + 1, seen);
    return value === undefined ? example : { key: value };
  }
  const oneofs = oneofsOf(schema.description ?? "");
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    // Of members that exclude one another the first.
    if (property.readOnly === true || property.deprecated === true || oneofs.has(name)) continue;
    const value = exampleOf(property, document, depth + 1, seen);
    if (value !== undefined) example[name] = value;
  }
  return example;
}

/** The names that "Only one of `a`, `b` and `c` may be set." leaves out. */
function oneofsOf(description: string): Set<string> {
  const excluded = new Set<string>();
  for (const [sentence] of description.matchAll(/Only one of (`[^`]+`(, | and )?)+ may be set\./g))
    for (const [, name] of [...sentence.matchAll(/`([^`]+)`/g)].slice(1)) excluded.add(name!);
  return excluded;
}

function textExample(format: string | undefined): string {
  switch (format) {
    case "int64":
    case "uint64":
      return "0";
    case "date-time":
      return "2026-01-31T12:00:00Z";
    default:
      return "";
  }
}
