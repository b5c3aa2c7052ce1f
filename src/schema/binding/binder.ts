/**
 * One binding of one method, compiled: captures, query and body of a request -> its message (SEMANTICS A1.4 to A1.8).
 *
 * Parameters become wire bytes without any JSON in between and are appended to the body's: body, then query, then path, and the last
 * occurrence wins; messages that several of them share are merged at the end. A body that is the whole message, with nothing to append,
 * stays JSON and is checked where it is converted.
 */
import { CallError } from "../../core/call-error.ts";
import { canonicalJson, CodecError, profileBits, type JsonProfile } from "../../core/message-type.ts";
import type { HttpBinding } from "../../core/method.ts";
import { Payload } from "../../core/payload.ts";
import type { FieldAwareCodec } from "../codec/codec-factory.ts";
import type { FieldDescriptor, MessageDescriptor, MethodDescriptor, ValueType } from "../descriptor.ts";
import { parseTemplate, type Template, type TemplateVariable } from "../http-rule/template.ts";
import { Keep } from "../percent-decoding.ts";
import { defaultBinding, type BindingOptions, type EventOptions, type StreamFormName } from "./binding-options.ts";
import { errorOfCodec } from "./codec-error.ts";
import { EventFields } from "./event-fields.ts";
import { explainCapture, explainQuery, type PartExplanation } from "./explain-binding.ts";
import { findField, isOpaque, kindOf, resolveFieldPath } from "./field-path.ts";
import { maskOf, soleFieldMask } from "./field-mask-fill.ts";
import type { FormPart } from "./form-part.ts";
import { decodeHttpBody, encodeHttpBody, isHttpBody, type HttpBody } from "./http-body.ts";
import { MessagePaths, mergeMessages } from "./merge-messages.ts";
import { invalidParameter, Parameter, tagBytes, wrappingOf } from "./parameter.ts";
import { QueryBinding, type OccurrenceObserver } from "./query-binding.ts";
import { lastValue, withoutField } from "./wire-fields.ts";
import { WireWriter } from "./wire-writer.ts";

/** What routing found in the request target, all of it still percent-encoded. */
export interface BindTarget {
  /** One per variable of the template. */
  readonly captures: readonly string[];
  /** Behind the `?`; "" for none. */
  readonly query: string;
}

/** A binding that does not fit its method. */
export class BindingError extends Error {
  override readonly name = "BindingError";
  /** Where in the template, from 1; undefined when the fault is not in the template. */
  readonly column: number | undefined;

  constructor(message: string, column?: number) {
    super(message);
    this.column = column;
  }
}

/** @throws TemplateError or BindingError */
export function createBinder(method: MethodDescriptor, binding: HttpBinding, options: BindingOptions): Binder {
  return new Binder(method, binding, options);
}

interface Capture {
  readonly parameter: Parameter;
  readonly keep: Keep;
}

const emptyMessage = new Uint8Array(0);
/** Above this many characters a native write is faster than a loop. */
const loopLimit = 64;
const out = new WireWriter();
/** The body's part, when it is a form: made before the rest, which then goes behind it. */
const formOut = new WireWriter();

export class Binder {
  readonly template: Template;
  readonly method: MethodDescriptor;
  readonly binding: HttpBinding;
  /** The field that the request body is; undefined for none and for "*". */
  readonly bodyField: FieldDescriptor | undefined;
  /** The field of the answer that is the response body; undefined when the whole message is. */
  readonly responseField: FieldDescriptor | undefined;
  /** The request body is a google.api.HttpBody: any content type, taken as it is. */
  readonly rawBody: boolean;
  /** The response body is a google.api.HttpBody: sent as it is, with its own content type. */
  readonly rawResponse: boolean;
  /** The answer is not simply the response message as canonical JSON. */
  readonly shapesResponse: boolean;
  /** Of a server stream, for clients that leave it open. */
  readonly streamForm: StreamFormName;
  /** Clients choose how JSON is printed and read. */
  readonly hasProfiles: boolean;
  /** Of a server stream whose events are not simply numbered. */
  readonly events: EventFields | undefined;
  private readonly captures: readonly Capture[];
  private readonly options: BindingOptions;
  /** Made for the first query: most of a schema's bindings never see one. */
  private query: QueryBinding | undefined;
  private form: QueryBinding | undefined;
  private readonly reading: JsonProfile;
  private readonly printing: JsonProfile;
  private readonly printsCanonically: boolean;
  private readonly ignoresUnknown: boolean;
  /** By the name of the profile; made for the first that asks. */
  private variants: Map<string, Binder> | undefined;
  private readonly mask: FieldDescriptor | undefined;
  /** Set when the path binds one string of the message and nothing else: the commonest GET. */
  private readonly onlyStringTag: Uint8Array | undefined;

  constructor(method: MethodDescriptor, binding: HttpBinding, options: BindingOptions) {
    this.method = method;
    this.binding = binding;
    this.template = parseTemplate(binding.template);
    this.captures = this.template.variables.map((variable) => captureOf(method, variable, options));
    this.options = options;
    checkOneofs(this.pathOneofs());
    this.bodyField = binding.body === "" || binding.body === "*" ? undefined : bodyFieldOf(method, binding.body);
    this.responseField = binding.responseBody === "" ? undefined : responseFieldOf(method, binding.responseBody);
    this.rawBody = binding.body !== "" && isHttpBody(this.bodyField?.value ?? valueOf(method.input));
    this.rawResponse = isHttpBody(this.responseField?.value ?? valueOf(method.output)) && this.responseField?.cardinality !== "repeated";
    const { json } = options;
    this.printing = printingOf(json);
    this.printsCanonically = profileBits(this.printing) === 0;
    const { id, resume, retryMs, heartbeatMs } = options.events;
    const setsEvents =
      id !== undefined || resume !== undefined || retryMs !== undefined || heartbeatMs !== defaultBinding.events.heartbeatMs;
    if (method.serverStreaming && setsEvents) this.events = new EventFields(method, options.events);
    this.hasProfiles = this.profileNames.length > 0;
    this.streamForm = options.streamForm;
    const setsForm = method.serverStreaming && options.streamForm !== defaultBinding.streamForm;
    this.shapesResponse =
      this.rawResponse ||
      this.responseField !== undefined ||
      !this.printsCanonically ||
      this.events !== undefined ||
      this.hasProfiles ||
      setsForm;
    this.ignoresUnknown = options.ignoreUnknownFields || json.ignoreUnknown;
    this.reading = readingOf(json, this.ignoresUnknown);
    if (binding.httpMethod === "PATCH" && this.bodyField?.value.kind === "message") this.mask = soleFieldMask(method.input);
    if (this.captures.length === 1) this.onlyStringTag = this.captures[0]!.parameter.plainStringTag;
  }

  get profileNames(): string[] {
    return Object.keys(this.options.profiles);
  }

  get eventOptions(): EventOptions {
    return this.options.events;
  }

  /** The same binding with the JSON profile of this name; undefined when there is none. */
  profiled(name: string): Binder | undefined {
    const { options } = this;
    if (!Object.hasOwn(options.profiles, name)) return undefined;
    this.variants ??= new Map();
    let variant = this.variants.get(name);
    if (variant === undefined) {
      variant = new Binder(this.method, this.binding, { ...options, json: { ...options.json, ...definedOf(options.profiles[name]!) } });
      this.variants.set(name, variant);
    }
    return variant;
  }

  /**
   * @param body JSON; undefined or empty for none
   * @throws CallError; but a body that stays JSON fails later, where it is converted, with a CodecError
   */
  bind(target: BindTarget, body: Uint8Array | undefined): Payload {
    const { input } = this.method;
    if (body === undefined || body.length === 0) {
      if (target.query !== "") return this.assemble(target, undefined, undefined);
      if (this.captures.length === 0) return Payload.ofWire(input, emptyMessage);
      const wire = this.onlyStringTag === undefined ? undefined : plainString(this.onlyStringTag, target.captures[0]!);
      return wire === undefined ? this.assemble(target, undefined, undefined) : Payload.ofWire(input, wire);
    }
    if (this.binding.body === "") throw new CallError("UNEXPECTED_BODY", undefined, { source: "caller" });
    const untouched = this.binding.body === "*" && this.captures.length === 0 && target.query === "" && this.reading === canonicalJson;
    return untouched ? Payload.ofJson(input, body) : this.assemble(target, this.bodyToWire(body), body);
  }

  /** As {@link bind}, for a body that is already protobuf: the request message with nothing but the body's fields. @throws CallError */
  bindWire(target: BindTarget, bodyWire: Uint8Array): Payload {
    return this.assemble(target, bodyWire, undefined);
  }

  /** As {@link bind}, for an `application/x-www-form-urlencoded` body. @throws CallError */
  bindForm(target: BindTarget, body: string): Payload {
    return this.bindFormWith(target, (form) => form.bind(body, formOut, undefined));
  }

  /** As {@link bind}, for a `multipart/form-data` body. @throws CallError */
  bindParts(target: BindTarget, parts: readonly FormPart[]): Payload {
    return this.bindFormWith(target, (form) => form.bindParts(parts, formOut));
  }

  /** The part of a form is a file for one field of bytes: it may come in as many messages as it takes. @throws CallError */
  takesPieces(part: Omit<FormPart, "data">): boolean {
    return (this.form ??= this.createForm()).takesPieces(part);
  }

  /** As {@link bind}, where {@link rawBody} says that the body is taken as it is. @throws CallError */
  bindRaw(target: BindTarget, body: HttpBody): Payload {
    const wire = encodeHttpBody(body);
    if (this.bodyField === undefined && this.captures.length === 0 && target.query === "") return Payload.ofWire(this.method.input, wire);
    return this.assemble(target, this.bodyField === undefined ? wire : inField(this.bodyField, wire), undefined);
  }

  /** The answer where {@link rawResponse} says that it is a body of its own. @throws CodecError */
  responseBody(payload: Payload): HttpBody {
    return decodeHttpBody(payload.wire(), this.responseField?.number);
  }

  /** The answer's JSON as this binding shows it: a view, valid until the next conversion on this thread. @throws CodecError */
  responseJson(payload: Payload): Uint8Array {
    if (this.responseField === undefined && this.printsCanonically) return payload.jsonView();
    const codec = this.method.output.codec(this.printing) as FieldAwareCodec;
    // The message may have come as JSON, so its bytes must not be a view of the memory that is printed to.
    return this.responseField === undefined ? codec.wireToJson(payload.wire()) : codec.fieldWireToJson(this.responseField, payload.wire());
  }

  /** What each part of `target` becomes by itself: for people, see explain-binding.ts. */
  explain(target: BindTarget): readonly PartExplanation[] {
    const { input } = this.method;
    const path = this.template.variables.map(({ fieldPath }, index) =>
      explainCapture(input, fieldPath.join("."), this.captures[index]!, target.captures[index]!),
    );
    const bound = new Set(this.captures.map(({ parameter }) => parameter.path));
    return [...path, ...explainQuery(input, target.query, this.createQuery(), bound, this.options.maxParameters)];
  }

  /** A view of the codec's memory. */
  private bodyToWire(body: Uint8Array): Uint8Array {
    const codec = this.method.input.codec(this.reading) as FieldAwareCodec;
    try {
      return this.bodyField === undefined ? codec.jsonToWire(body) : codec.fieldJsonToWire(this.bodyField, body);
    } catch (error) {
      throw error instanceof CodecError ? errorOfCodec(error, this.method.input) : error;
    }
  }

  private assemble(target: BindTarget, bodyWire: Uint8Array | undefined, bodyJson: Uint8Array | undefined): Payload {
    out.clear();
    if (bodyWire !== undefined) out.raw(bodyWire);
    const { refuseCollisions } = this.options;
    const observer = bodyWire !== undefined || refuseCollisions ? new Overlay(out.at, refuseCollisions) : undefined;
    let messages = target.query === "" ? undefined : (this.query ??= this.createQuery()).bind(target.query, out, observer);
    if (bodyJson !== undefined && this.mask !== undefined) this.fillMask(this.mask, bodyJson);
    for (let index = 0; index < this.captures.length; index++) {
      const { parameter, keep } = this.captures[index]!;
      observer?.before(parameter);
      const start = out.at;
      parameter.write(target.captures[index]!, "path variable", keep, out);
      observer?.after(parameter, start);
      if (parameter.numbers.length > 1) (messages ??= new MessagePaths()).add(parameter.numbers);
    }
    const apart = messages !== undefined && (messages.count > 1 || bodyWire !== undefined);
    return Payload.ofWire(this.method.input, apart ? mergeMessages(out.written(), messages!) : out.take());
  }

  private createQuery(): QueryBinding {
    return new QueryBinding(this.method.input, {
      options: this.options,
      bodyCovers: this.binding.body === "*" ? "*" : this.bodyField?.number,
      pathBound: new Set(this.captures.map(({ parameter }) => parameter.path)),
      pathOneofs: this.pathOneofs(),
      origin: "query parameter",
    });
  }

  /** The form's fields are those of the message that the body is; what the path binds stays the path's. */
  private createForm(): QueryBinding {
    const { options, bodyField } = this;
    const root = bodyField === undefined ? this.method.input : bodyField.value.kind === "message" ? bodyField.value.message : undefined;
    if (root === undefined || isOpaque(root))
      throw new CallError("UNSUPPORTED_MEDIA_TYPE", `a form has no place in ${this.binding.body}: send application/json`, {
        source: "caller",
      });
    const whole = bodyField === undefined;
    return new QueryBinding(root, {
      options: { ...options, ignoreUnknownParameters: this.ignoresUnknown, ignoredParameters: [] },
      bodyCovers: undefined,
      pathBound: new Set(whole ? this.captures.map(({ parameter }) => parameter.path) : []),
      pathOneofs: whole ? this.pathOneofs() : [],
      origin: "form field",
    });
  }

  private bindFormWith(target: BindTarget, write: (form: QueryBinding) => MessagePaths | undefined): Payload {
    if (this.binding.body === "") throw new CallError("UNEXPECTED_BODY", undefined, { source: "caller" });
    formOut.clear();
    const messages = write((this.form ??= this.createForm()));
    const wire = messages !== undefined && messages.count > 1 ? mergeMessages(formOut.written(), messages) : formOut.written();
    return this.assemble(target, this.bodyField === undefined ? wire : inField(this.bodyField, wire), undefined);
  }

  private pathOneofs(): (readonly [string, number])[] {
    return this.captures.flatMap(({ parameter }) => parameter.oneofs);
  }

  private fillMask(mask: FieldDescriptor, bodyJson: Uint8Array): void {
    const given = lastValue(out.written(), [mask.number]);
    if (given !== undefined && given.length > 1) return;
    const field = this.bodyField!;
    if (field.value.kind !== "message") return;
    out.raw(tagBytes(mask.number, 2));
    out.prefixed(maskOf(field.value.message, bodyJson));
  }
}

/** What parameters do to the bytes before them: values that would merge are taken out, differing ones refused if so set. */
class Overlay implements OccurrenceObserver {
  private bodyEnd: number;
  private readonly refuseCollisions: boolean;

  constructor(bodyEnd: number, refuseCollisions: boolean) {
    this.bodyEnd = bodyEnd;
    this.refuseCollisions = refuseCollisions;
  }

  before(parameter: Parameter): void {
    // With collisions refused, equal values merge into themselves.
    if (!parameter.merges || this.bodyEnd === 0 || this.refuseCollisions) return;
    const body = withoutField(out.bytes.subarray(0, this.bodyEnd), parameter.numbers);
    if (body.length === this.bodyEnd) return;
    const behind = Buffer.from(out.bytes.subarray(this.bodyEnd, out.at));
    out.at = 0;
    out.raw(body);
    this.bodyEnd = out.at;
    out.raw(behind);
  }

  after(parameter: Parameter, start: number): void {
    if (!this.refuseCollisions || parameter.field.cardinality !== "singular") return;
    const earlier = lastValue(out.bytes.subarray(0, start), parameter.numbers);
    const later = lastValue(out.bytes.subarray(start, out.at), parameter.numbers);
    if (earlier !== undefined && later !== undefined && Buffer.compare(earlier, later) !== 0)
      throw invalidParameter(parameter.path, `${JSON.stringify(parameter.path)} has two different values in this request`);
  }
}

/** A field with a short string of ASCII: the check and the copy in one loop. Undefined when it is not one. */
function plainString(tag: Uint8Array, raw: string): Uint8Array | undefined {
  const { length } = raw;
  if (length > loopLimit) return undefined;
  const bytes = Buffer.allocUnsafe(tag.length + 1 + length);
  let at = 0;
  for (; at < tag.length; at++) bytes[at] = tag[at]!;
  bytes[at++] = length;
  for (let index = 0; index < length; index++) {
    const code = raw.charCodeAt(index);
    if (code === 0x25 || code > 0x7f) return undefined;
    bytes[at++] = code;
  }
  return bytes;
}

function inField(field: FieldDescriptor, content: Uint8Array): Uint8Array {
  const { tag, endTag } = wrappingOf(field);
  const wire = new WireWriter(content.length + 32);
  wire.raw(tag);
  if (endTag === undefined) wire.prefixed(content);
  else {
    wire.raw(content);
    wire.raw(endTag);
  }
  return wire.written();
}

/** Settings that were left out change nothing. */
function definedOf(profile: Partial<JsonProfile>): Partial<JsonProfile> {
  return Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== undefined));
}

/** What of a profile is about reading: with the rest left out, more bindings share a codec. */
function readingOf({ stripEnumPrefix, caseInsensitiveEnums }: JsonProfile, ignoreUnknown: boolean): JsonProfile {
  if (!ignoreUnknown && !stripEnumPrefix && !caseInsensitiveEnums) return canonicalJson;
  return { ...canonicalJson, ignoreUnknown, stripEnumPrefix, caseInsensitiveEnums };
}

function printingOf(json: JsonProfile): JsonProfile {
  return { ...json, ignoreUnknown: false, caseInsensitiveEnums: false };
}

function valueOf(message: MessageDescriptor): ValueType {
  return { kind: "message", message, delimited: false };
}

function captureOf(method: MethodDescriptor, variable: TemplateVariable, options: BindingOptions): Capture {
  const path = resolveFieldPath(method.input, variable.fieldPath);
  if ("message" in path) throw new BindingError(path.message + path.hint, variable.column);
  const parameter = Parameter.of(path, options.json);
  if (parameter === undefined || parameter.isJson || path.field.cardinality !== "singular")
    throw new BindingError(`${path.text} is a ${kindOf(path.field)}: a path variable holds one value`, variable.column);
  return { parameter, keep: variable.multiSegment ? options.multiSegmentKeep : Keep.NOTHING };
}

function checkOneofs(members: readonly (readonly [string, number])[]): void {
  const taken = new Map<string, number>();
  for (const [oneof, member] of members) {
    if ((taken.get(oneof) ?? member) !== member) throw new BindingError(`the path binds two members of the oneof ${oneof}`);
    taken.set(oneof, member);
  }
}

function bodyFieldOf(method: MethodDescriptor, name: string): FieldDescriptor {
  const path = resolveFieldPath(method.input, [name]);
  if (name.includes(".")) throw new BindingError(`body ${JSON.stringify(name)} is not a field of the request message itself`);
  if ("message" in path) throw new BindingError(`body: ${path.message}${path.hint}`);
  if (path.field.cardinality !== "singular") throw new BindingError(`body: ${name} is a ${kindOf(path.field)}`);
  return path.field;
}

function responseFieldOf(method: MethodDescriptor, name: string): FieldDescriptor {
  const field = findField(method.output, name);
  if (field === undefined) throw new BindingError(`response_body: no field ${JSON.stringify(name)} in ${method.output.name}`);
  return field;
}
