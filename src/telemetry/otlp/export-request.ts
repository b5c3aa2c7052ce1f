/**
 * Spans, or metrics, as one `Export*ServiceRequest` (opentelemetry/proto/collector): the two are built alike, number for number.
 *
 * What is said of the process is the same in every request and encoded once; around the items there are only two lengths.
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

  /** @param items entries of `ScopeSpans.spans`, or of `ScopeMetrics.metrics`, each with its tag and length */
  around(items: readonly Uint8Array[]): Buffer {
    const sizeBytes = items.reduce((sum, { length }) => sum + length, 0);
    const scopeSpans = [0x12, ...varintBytes(this.scope.length + sizeBytes)];
    const resourceSpans = [0x0a, ...varintBytes(this.resource.length + scopeSpans.length + this.scope.length + sizeBytes)];
    return Buffer.concat([Buffer.from(resourceSpans), this.resource, Buffer.from(scopeSpans), this.scope, ...items]);
  }
}
