/** A schema that cannot be used. The message is one line for whoever wrote the schema: which file, what is wrong, what to do. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
}
