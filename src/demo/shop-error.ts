/**
 * A refusal of the shop, as gRPC wants it: code, message, and google.rpc details in `grpc-status-details-bin`.
 */
import { Metadata, type ServerErrorResponse, status } from "@grpc/grpc-js";
import { encodeMessage, messageNamed } from "./shop-schema.ts";

const TYPE = "type.googleapis.com/google.rpc.";
const DOMAIN = "shop.example";

/** One google.rpc detail message in ProtoJSON. */
type Detail = { readonly "@type": string } & Readonly<Record<string, unknown>>;

export class ShopError extends Error {
  readonly code: status;
  readonly details: readonly Detail[];

  constructor(code: status, message: string, details: readonly Detail[]) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

function errorInfo(reason: string, metadata: Readonly<Record<string, string>>): Detail {
  return { "@type": `${TYPE}ErrorInfo`, reason, domain: DOMAIN, metadata };
}

/** There is no such thing. */
export function notFound(what: string, id: string): ShopError {
  return new ShopError(status.NOT_FOUND, `no ${what} "${id}"`, [errorInfo(`${what.toUpperCase()}_NOT_FOUND`, { id })]);
}

export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** The request is wrong, field by field. */
export function badRequest(violations: readonly Violation[]): ShopError {
  const message = violations.map(({ field, description }) => `${field}: ${description}`).join("; ");
  return new ShopError(status.INVALID_ARGUMENT, message, [
    errorInfo("BAD_REQUEST", {}),
    { "@type": `${TYPE}BadRequest`, fieldViolations: violations },
  ]);
}

/** The request is right, but not now. */
export function failedPrecondition(reason: string, subject: string, description: string): ShopError {
  return new ShopError(status.FAILED_PRECONDITION, description, [
    errorInfo(reason, { subject }),
    { "@type": `${TYPE}PreconditionFailure`, violations: [{ type: reason, subject, description }] },
  ]);
}

/** There is no more room for it. */
export function exhausted(reason: string, subject: string, description: string): ShopError {
  return new ShopError(status.RESOURCE_EXHAUSTED, description, [errorInfo(reason, { subject })]);
}

/** What grpc-js sends for `error`; anything but a ShopError is a defect and says no more than that. */
export function errorResponse(error: unknown): ServerErrorResponse {
  if (!(error instanceof ShopError)) {
    const failure = error instanceof Error ? error : new Error(String(error));
    console.error(failure);
    return Object.assign(new Error("internal error"), { code: status.INTERNAL });
  }
  const metadata = new Metadata();
  const { code, message, details } = error;
  metadata.set("grpc-status-details-bin", encodeMessage(messageNamed("google.rpc.Status"), { code, message, details }));
  return Object.assign(new Error(message), { code, details: message, metadata });
}
