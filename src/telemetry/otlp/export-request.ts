/**
 * Pages of spans as one `ExportTraceServiceRequest` (opentelemetry/proto/collector/trace/v1/trace_service.proto).
 *
 * What is said of the process is the same in every request and encoded once; around the spans there are only two lengths.
 */
import { Buffer } from "node:buffer";
import { attributeFields, bytesField, stringField, varintBytes, type Attributes } from "./proto-bytes.ts";

export class RequestEnvelope {
  private readonly resource: Buffer;
  private readonly scope: Buffer;

  /** @param resource who records */
  constructor(resource: Attributes) {
    this.resource = bytesField(1, attributeFields(1, resource));
    this.scope = bytesField(1, stringField(1, "dragoman"));
  }

  /** @param spans entries of `ScopeSpans.spans`, each with its tag and length */
  around(spans: readonly Uint8Array[]): Buffer {
    const sizeBytes = spans.reduce((sum, { length }) => sum + length, 0);
    const scopeSpans = [0x12, ...varintBytes(this.scope.length + sizeBytes)];
    const resourceSpans = [0x0a, ...varintBytes(this.resource.length + scopeSpans.length + this.scope.length + sizeBytes)];
    return Buffer.concat([Buffer.from(resourceSpans), this.resource, Buffer.from(scopeSpans), this.scope, ...spans]);
  }
}
