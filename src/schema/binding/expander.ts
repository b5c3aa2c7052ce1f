/**
 * One http rule read the other way: a request message -> method, path, query and body of the request that the rule describes
 * (google/api/http.proto; SEMANTICS A1.18). What it makes, the {@link Binder} of the same rule binds to the same message.
 *
 * The trap: not every message fits every rule (a path variable that is empty, a list of messages without a body). It then says what does not
 * fit, so that another rule of the method can be tried; it never sends less than there is.
 */
import { canonicalJson, type JsonProfile } from "../../core/message-type.ts";
import type { HttpBinding } from "../../core/method.ts";
import type { FieldAwareCodec } from "../codec/codec-factory.ts";
import { enumNames } from "../codec/enum-names.ts";
import type { FieldDescriptor, MethodDescriptor } from "../descriptor.ts";
import { expandTemplate } from "../http-rule/expand-template.ts";
import type { TemplateVariable } from "../http-rule/template.ts";
import { BindingError, createBinder, type Binder } from "./binder.ts";
import { defaultBinding } from "./binding-options.ts";
import { resolveFieldPath } from "./field-path.ts";
import { decodeHttpBody } from "./http-body.ts";
import { Misfit, QueryExpansion, textOf, type JsonMembers, type JsonScalar } from "./query-expansion.ts";
import { withoutField } from "./wire-fields.ts";

export interface ExpanderOptions {
  /** How the backend wants its JSON. */
  readonly json: JsonProfile;
  /** The backend takes `items[0].sku=` for fields of repeated messages. */
  readonly repeatedMessages: boolean;
  /** Longest path with query. */
  readonly targetBytes: number;
}

export interface ExpandedBody {
  /** Undefined where there is no body, and where its sender gave it no type. */
  readonly contentType: string | undefined;
  /** A view, valid until the next conversion on this thread; undefined for no body. */
  readonly bytes: Uint8Array | undefined;
}

export interface ExpandedRequest {
  readonly httpMethod: string;
  /** Path and query in origin form. */
  readonly target: string;
  readonly body: ExpandedBody;
  /** Of the path variables. */
  readonly values: readonly string[];
  /** The message, as far as it was looked into. */
  readonly members: JsonMembers | undefined;
}

const noBody: ExpandedBody = Object.freeze({ contentType: undefined, bytes: undefined });
const methodToken = /^[!#$%&'*+.^_`|~\w-]{1,64}$/;

/** @throws TemplateError or BindingError where the rule describes no request that could be sent */
export function createExpander(method: MethodDescriptor, binding: HttpBinding, options: ExpanderOptions): Expander {
  return new Expander(method, binding, options);
}

export class Expander {
  /** The rule as requests are bound by it: it also says what the answer's body is. */
  readonly rule: Binder;
  private readonly method: MethodDescriptor;
  private readonly options: ExpanderOptions;
  private readonly httpMethod: string;
  private readonly variables: readonly Variable[];
  /** Set where fields may go into the query. */
  private readonly query: QueryExpansion | undefined;
  private readonly bodyCodec: FieldAwareCodec;
  private readonly memberCodec: FieldAwareCodec;

  constructor(method: MethodDescriptor, binding: HttpBinding, options: ExpanderOptions) {
    this.method = method;
    this.options = options;
    this.rule = createBinder(method, binding, defaultBinding);
    const { template, bodyField } = this.rule;
    const { json } = options;
    this.httpMethod = methodOf(binding);
    const wildcards = template.segments.filter(
      ({ kind }, index) => kind !== "literal" && !template.variables.some((each) => covers(each, index)),
    );
    if (wildcards.length > 0) throw new BindingError("the template has a wildcard that no field fills");
    this.variables = template.variables.map((variable) => new Variable(method, variable, json));
    if (binding.body !== "*") {
      const carried = new Set(this.variables.map(({ path }) => path));
      if (bodyField !== undefined) carried.add(bodyField.name);
      this.query = new QueryExpansion({ protoNames: json.protoNames, repeatedMessages: options.repeatedMessages }, carried);
    }
    this.bodyCodec = method.input.codec(json) as FieldAwareCodec;
    this.memberCodec = method.input.codec({ ...canonicalJson, ...json, emitDefaults: false, protoNames: false }) as FieldAwareCodec;
  }

  /** @throws CodecError when the message has no JSON */
  expand(wire: Uint8Array): ExpandedRequest | Misfit {
    const members = this.membersOf(wire);
    if (members instanceof Misfit) return members;
    const values: string[] = [];
    for (const variable of this.variables) {
      const value = variable.valueIn(members!);
      if (value === undefined) return new Misfit(variable.path, "is not set, and stands in the path");
      values.push(value);
    }
    const path = expandTemplate(this.rule.template, values);
    if (path === undefined) return this.badPath(values);
    const query = this.query?.expand(this.method.input, members!) ?? "";
    if (query instanceof Misfit) return query;
    const target = query === "" ? path : `${path}?${query}`;
    if (target.length > this.options.targetBytes)
      return new Misfit("", `makes a path and query of ${target.length} bytes, and ${this.options.targetBytes} may be sent`);
    const body = this.bodyOf(wire, members);
    return body instanceof Misfit ? body : { httpMethod: this.httpMethod, target, body, values, members };
  }

  /**
   * The body for a further message of the stream whose first made `first`. What path and query carry has been said: it is absent, or the same.
   * @throws CodecError
   */
  expandNext(wire: Uint8Array, first: ExpandedRequest): ExpandedBody | Misfit {
    const members = this.membersOf(wire);
    if (members instanceof Misfit) return members;
    for (const [index, variable] of this.variables.entries()) {
      const value = variable.valueIn(members!);
      if (value !== undefined && value !== variable.initial && value !== first.values[index])
        return new Misfit(variable.path, "is not what the first message says, and stands in the path");
    }
    if (this.query !== undefined) {
      for (const field of this.method.input.fields) {
        if (field === this.rule.bodyField || this.variables.some((variable) => variable.root === field)) continue;
        const { jsonName } = field;
        if (Object.hasOwn(members!, jsonName) && JSON.stringify(members![jsonName]) !== JSON.stringify(first.members![jsonName]))
          return new Misfit(field.name, "is not what the first message says, and stands in the query");
      }
    }
    return this.bodyOf(wire, members);
  }

  /** Undefined where nothing needs to be looked at. */
  private membersOf(wire: Uint8Array): JsonMembers | Misfit | undefined {
    if (this.variables.length === 0 && this.query === undefined) return undefined;
    const json = this.memberCodec.wireToJson(wire);
    const members = JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.length).toString("utf8")) as unknown;
    if (typeof members === "object" && members !== null && !Array.isArray(members)) return members as JsonMembers;
    return new Misfit("", `is a ${this.method.input.name}, which has no form in a query`);
  }

  private bodyOf(wire: Uint8Array, members: JsonMembers | undefined): ExpandedBody | Misfit {
    const { binding, bodyField, rawBody } = this.rule;
    if (binding.body === "" || (bodyField !== undefined && !Object.hasOwn(members!, bodyField.jsonName))) return noBody;
    if (rawBody) return rawBodyOf(wire, bodyField);
    if (bodyField !== undefined) return { contentType: "application/json", bytes: this.bodyCodec.fieldWireToJson(bodyField, wire) };
    // The path says these; a body that said them too might be refused.
    const rest = this.variables.reduce((bytes, { numbers }) => withoutField(bytes, numbers), wire);
    return { contentType: "application/json", bytes: this.bodyCodec.wireToJson(rest) };
  }

  private badPath(values: readonly string[]): Misfit {
    const { text } = this.rule.template;
    const given = this.variables.map(({ path }, index) => `${path} = ${JSON.stringify(values[index]!.slice(0, 64))}`);
    return new Misfit(this.variables[0]?.path ?? "", `does not fit the path ${text}: ${given.join(", ")}`);
  }
}

/** One variable of the template, as a field of the message. */
class Variable {
  /** In proto names. */
  readonly path: string;
  readonly numbers: readonly number[];
  /** The field of the message itself that holds it. */
  readonly root: FieldDescriptor;
  /** Its text where the field cannot be unset; undefined where it can. */
  readonly initial: string | undefined;
  private readonly names: readonly string[];

  constructor(method: MethodDescriptor, { fieldPath }: TemplateVariable, json: JsonProfile) {
    const path = resolveFieldPath(method.input, fieldPath);
    if ("message" in path) throw new BindingError(path.message + path.hint);
    const { ancestors, field, text } = path;
    const fields = [...ancestors, field];
    this.path = text;
    this.numbers = fields.map(({ number }) => number);
    this.names = fields.map(({ jsonName }) => jsonName);
    this.root = fields[0]!;
    this.initial = field.explicitPresence || field.oneof !== undefined ? undefined : initialText(field, json);
  }

  /** Undefined when it is not set. */
  valueIn(members: JsonMembers): string | undefined {
    let at: unknown = members;
    for (const [index, name] of this.names.entries()) {
      if (!Object.hasOwn(at as object, name)) return index === this.names.length - 1 ? this.initial : undefined;
      at = (at as JsonMembers)[name];
    }
    return textOf(at as JsonScalar);
  }
}

function initialText({ value }: FieldDescriptor, json: JsonProfile): string | undefined {
  if (value.kind === "message") return undefined;
  if (value.kind === "enum") return json.enumNumbers ? "0" : (enumNames(value.enum, json).printed.get(0) ?? "0");
  return value.scalar === "string" || value.scalar === "bytes" ? "" : value.scalar === "bool" ? "false" : "0";
}

function covers({ start, end }: TemplateVariable, index: number): boolean {
  return index >= start && index < end;
}

/** Any method will do where the rule says so. */
function methodOf({ httpMethod, body }: HttpBinding): string {
  if (httpMethod === "*") return body === "" ? "GET" : "POST";
  if (!methodToken.test(httpMethod) || httpMethod === "CONNECT")
    throw new BindingError(`${JSON.stringify(httpMethod)} is not an HTTP method`);
  return httpMethod;
}

function rawBodyOf(wire: Uint8Array, field: FieldDescriptor | undefined): ExpandedBody | Misfit {
  const { contentType, data } = decodeHttpBody(wire, field?.number);
  if (contentType === "") return { contentType: undefined, bytes: data };
  if (!/^[\x21-\x7e][\x20-\x7e]{0,250}$/.test(contentType))
    return new Misfit(field === undefined ? "content_type" : `${field.name}.content_type`, "cannot be a header");
  return { contentType, bytes: data };
}
