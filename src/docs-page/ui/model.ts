/** The OpenAPI document as the page reads it: services with their methods, each method with the addresses it is reached at. */

export type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly (string | number)[];
  readonly examples?: readonly unknown[];
  readonly readOnly?: boolean;
  readonly writeOnly?: boolean;
  readonly deprecated?: boolean;
  readonly contentEncoding?: string;
};

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required?: boolean;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly schema: Schema;
  readonly "x-multi-segment"?: boolean;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

interface Answer {
  readonly description: string;
  readonly content?: Content;
}

interface RawOperation {
  readonly tags: readonly string[];
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly description?: string; readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Answer>>;
  readonly "x-grpc-method": string;
  readonly "x-grpc-streaming"?: "client" | "server" | "both";
}

/** One address of a method. */
export interface Operation extends RawOperation {
  readonly httpMethod: string;
  readonly path: string;
}

export interface Method {
  /** "shop.v1.Orders/Get" */
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly summary: string;
  readonly description: string;
  readonly deprecated: boolean;
  readonly streaming: "client" | "server" | "both" | undefined;
  readonly operations: readonly Operation[];
}

export interface Service {
  readonly name: string;
  readonly description: string;
  readonly methods: readonly Method[];
}

export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes?: Readonly<Record<string, { readonly type: string; readonly name?: string; readonly scheme?: string }>>;
  };
}

const extraMethods = "x-additionalOperations";

export function servicesOf(document: ApiDocument): Service[] {
  const byMethod = new Map<string, Operation[]>();
  for (const [path, item] of Object.entries(document.paths))
    for (const [key, value] of Object.entries(item)) {
      const found = key === extraMethods ? Object.entries(value as Record<string, RawOperation>) : [[key, value as RawOperation] as const];
      for (const [httpMethod, operation] of found) {
        const id = operation["x-grpc-method"].slice(1);
        const operations = byMethod.get(id);
        const made = { ...operation, httpMethod: httpMethod.toUpperCase(), path };
        if (operations === undefined) byMethod.set(id, [made]);
        else operations.push(made);
      }
    }
  const methods = [...byMethod].map(([id, operations]) => methodOf(id, operations));
  const services = document.tags.map(({ name, description = "" }) => ({
    name,
    description,
    methods: methods.filter(({ service }) => service === name),
  }));
  // Health and reflection are everybody's, and not what one comes for.
  const isCommon = ({ name }: Service): number => Number(name.startsWith("grpc."));
  return services.sort((a, b) => isCommon(a) - isCommon(b));
}

function methodOf(id: string, operations: readonly Operation[]): Method {
  const first = operations[0]!;
  const slash = id.lastIndexOf("/");
  return {
    id,
    name: id.slice(slash + 1),
    service: id.slice(0, slash),
    summary: first.summary ?? "",
    description: first.description ?? first.summary ?? "",
    deprecated: first.deprecated === true,
    streaming: first["x-grpc-streaming"],
    operations,
  };
}

/** Every word must be found in the method's name, its service, its comment or an address. */
export function matches(method: Method, words: string): boolean {
  const text = [method.id, method.description, ...method.operations.map(({ httpMethod, path }) => `${httpMethod} ${path}`)]
    .join(" ")
    .toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** What a reference leads to, with what stands beside it. */
export function resolve(schema: Schema, document: ApiDocument): Schema {
  if (schema.$ref === undefined) return schema;
  const { $ref, ...beside } = schema;
  return { ...document.components.schemas[typeNameOf($ref)], ...beside };
}

/** "#/components/schemas/shop.v1.Order" -> "shop.v1.Order" */
export function typeNameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

/** What a value is, in a word: "string", "Order[]", "map of Money". */
export function typeWord(schema: Schema): string {
  if (schema.$ref !== undefined) return typeNameOf(schema.$ref).replace(/^.*\./, "");
  const type = typeof schema.type === "string" ? schema.type : (schema.type ?? []).filter((each) => each !== "null").join(" or ");
  if (type === "array") return `${typeWord(schema.items ?? {})}[]`;
  if (type === "object" && typeof schema.additionalProperties === "object") return `map of ${typeWord(schema.additionalProperties)}`;
  if (schema.contentEncoding !== undefined) return schema.contentEncoding;
  return type === "" ? "any" : schema.format === undefined ? type : schema.format;
}
