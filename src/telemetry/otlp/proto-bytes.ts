/**
 * Protobuf by hand, for what is made once and used often: fields of an OTLP message as bytes (opentelemetry/proto/common/v1/common.proto).
 *
 * Not for the hot path: every function allocates.
 */
import { Buffer } from "node:buffer";

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

const lengthDelimited = 2;
const varintType = 0;
const fixed64Type = 1;

/** @param value a whole number from 0 to 2^53 */
export function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

function tag(field: number, type: number): number[] {
  return varintBytes(field * 8 + type);
}

/** A submessage, a string or bytes. */
export function bytesField(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([...tag(field, lengthDelimited), ...varintBytes(bytes.length)]), bytes]);
}

export function stringField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text));
}

/** @param value a whole number of at least 0 */
export function varintField(field: number, value: number): Buffer {
  return Buffer.from([...tag(field, varintType), ...varintBytes(value)]);
}

function fixed64Field(field: number, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(8);
  write(bytes);
  return Buffer.concat([Buffer.from(tag(field, fixed64Type)), bytes]);
}

export function doubleField(field: number, value: number): Buffer {
  return fixed64Field(field, (bytes) => void bytes.writeDoubleLE(value));
}

/** @param value a fixed64 or sfixed64 of at least 0 */
export function wholeField(field: number, value: bigint): Buffer {
  return fixed64Field(field, (bytes) => void bytes.writeBigUInt64LE(value));
}

/** A time of OTLP. @param wallMs since 1970, with a fraction */
export function unixNanoseconds(wallMs: number): bigint {
  const second = Math.floor(wallMs / 1000);
  return BigInt(second) * 1_000_000_000n + BigInt(Math.round((wallMs - second * 1000) * 1e6));
}

function anyValue(value: AttributeValue): Buffer {
  if (typeof value === "string") return stringField(1, value);
  if (typeof value === "boolean") return varintField(2, value ? 1 : 0);
  return Number.isSafeInteger(value) && value >= 0 ? varintField(3, value) : doubleField(4, value);
}

/** One `KeyValue`, as the given field of what holds it. */
export function attributeField(field: number, key: string, value: AttributeValue): Buffer {
  return bytesField(field, Buffer.concat([stringField(1, key), bytesField(2, anyValue(value))]));
}

/** The attributes that have a value, each as the given field. */
export function attributeFields(field: number, attributes: Attributes): Buffer {
  return Buffer.concat(
    Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [attributeField(field, key, value)])),
  );
}
