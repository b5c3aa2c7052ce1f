/**
 * How the calls of one method become requests to a REST backend: its http rules in order, and the first that a message fits.
 *
 * Rules beyond the first are alternatives in google/api/http.proto, so a message that the first has no place for may have one in the next. A method
 * without rules is POST /package.Service/Method with the whole message as body.
 */
import { CallError, type FieldViolation } from "../../../core/call-error.ts";
import { CodecError } from "../../../core/message-type.ts";
import type { HttpBinding, Method } from "../../../core/method.ts";
import type { Payload } from "../../../core/payload.ts";
import { BindingError } from "../../../schema/binding/binder.ts";
import {
  createExpander,
  type ExpandedBody,
  type ExpandedRequest,
  type Expander,
  type ExpanderOptions,
} from "../../../schema/binding/expander.ts";
import { Misfit } from "../../../schema/binding/query-expansion.ts";
import type { MethodDescriptor } from "../../../schema/descriptor.ts";
import { TemplateError } from "../../../schema/http-rule/template.ts";
import { errorOfRequest } from "../../shared/codec-failure.ts";
import { AnswerReader } from "./answer-message.ts";

/** One rule of a method. */
export interface Route {
  readonly expander: Expander;
  readonly reader: AnswerReader;
}

export interface PlannedRequest {
  readonly route: Route;
  readonly request: ExpandedRequest;
}

export class RequestPlan {
  private readonly method: MethodDescriptor;
  private readonly routes: readonly Route[];
  /** Rules that describe no request. */
  private readonly faults: readonly string[];

  /** @throws CallError UNKNOWN_METHOD for one that the schema does not have */
  constructor(method: Method, options: ExpanderOptions) {
    if (!isDescribed(method)) throw new CallError("UNKNOWN_METHOD", `the schema has no method ${method.path}`);
    this.method = method;
    const faults: string[] = [];
    this.routes = rulesOf(method).flatMap((rule) => {
      try {
        const expander = createExpander(method, rule, options);
        return [{ expander, reader: new AnswerReader(expander.rule, options.json) }];
      } catch (error) {
        if (!(error instanceof BindingError || error instanceof TemplateError)) throw error;
        faults.push(`${rule.httpMethod} ${rule.template}: ${error.message}`);
        return [];
      }
    });
    this.faults = faults;
  }

  /** @throws CallError */
  expand(message: Payload): PlannedRequest {
    if (this.routes.length === 0) throw this.withoutRoute();
    const wire = wireOf(message, this.method);
    const misfits: Misfit[] = [];
    for (const route of this.routes) {
      const request = printed(() => route.expander.expand(wire));
      if (!(request instanceof Misfit)) return { route, request };
      misfits.push(request);
    }
    throw this.unfit(misfits);
  }

  /** @throws CallError */
  expandNext(message: Payload, { route, request }: PlannedRequest, index: number): ExpandedBody {
    const wire = wireOf(message, this.method);
    const body = printed(() => route.expander.expandNext(wire, request));
    if (body instanceof Misfit) throw misfitError(`message [${index}]`, [body]);
    return body;
  }

  private unfit(misfits: readonly Misfit[]): CallError {
    const [first] = this.routes;
    const { httpMethod, template } = first!.expander.rule.binding;
    const what =
      this.routes.length === 1 ? `${httpMethod} ${template}` : `any of the ${this.routes.length} http rules of ${this.method.path}`;
    return misfitError(`the message cannot be sent as ${what}`, misfits);
  }

  private withoutRoute(): CallError {
    const { path, clientStreaming } = this.method;
    if (this.faults.length > 0)
      return new CallError("UNKNOWN_METHOD", `no http rule of ${path} describes a request: ${this.faults.join("; ").slice(0, 512)}`);
    if (clientStreaming)
      return new CallError("UNSUPPORTED_STREAMING", `${path} streams requests, and has no http rule with a body for them`);
    return new CallError("UNKNOWN_METHOD");
  }
}

function isDescribed(method: Method): method is MethodDescriptor {
  return "fields" in method.input;
}

function rulesOf(method: MethodDescriptor): readonly HttpBinding[] {
  // A backend that was not made for it reads no stream of requests, so that must be asked for.
  if (method.clientStreaming) return method.http.filter(({ body }) => body !== "");
  return method.http.length > 0 ? method.http : [{ httpMethod: "POST", template: method.path, body: "*", responseBody: "" }];
}

function wireOf(message: Payload, method: Method): Uint8Array {
  try {
    return message.wire();
  } catch (error) {
    throw errorOfRequest(error, method);
  }
}

function printed<T>(print: () => T): T {
  try {
    return print();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    const place = error.path === "" ? "" : `${error.path}: `;
    const violations = error.path === "" ? [] : [{ field: error.path, description: error.message }];
    throw new CallError("INVALID_PROTOBUF", `the message has no JSON: ${place}${error.message}`, {
      source: "caller",
      violations,
      cause: error,
    });
  }
}

function misfitError(what: string, misfits: readonly Misfit[]): CallError {
  const violations: FieldViolation[] = misfits.map(({ field, why }) => ({ field, description: why }));
  const reasons = [...new Set(misfits.map(({ field, why }) => (field === "" ? `it ${why}` : `${field} ${why}`)))];
  return new CallError("INVALID_PARAMETER", `${what}: ${reasons.join("; ")}`, { source: "caller", violations });
}
