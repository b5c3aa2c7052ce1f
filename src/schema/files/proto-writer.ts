/** Writes protobuf's wire format, for descriptors that are made of .proto text. */
export class ProtoWriter {
  private buffer = Buffer.allocUnsafe(1024);
  private at = 0;

  /** What was written. */
  finish(): Uint8Array {
    return this.buffer.subarray(0, this.at);
  }

  string(field: number, text: string): this {
    return this.bytes(field, Buffer.from(text, "utf8"));
  }

  bytes(field: number, bytes: Uint8Array): this {
    this.tag(field, 2);
    this.varint(BigInt(bytes.length));
    this.raw(bytes);
    return this;
  }

  message(field: number, message: ProtoWriter): this {
    return this.bytes(field, message.finish());
  }

  bool(field: number, value: boolean): this {
    return this.int(field, value ? 1 : 0);
  }

  /** Any integer type or enum; negative ones as ten bytes. */
  int(field: number, value: number | bigint): this {
    this.tag(field, 0);
    this.varint(BigInt.asUintN(64, BigInt(value)));
    return this;
  }

  /** A varint without a tag: an element of a packed field. */
  bareInt(value: number): void {
    this.varint(BigInt(value));
  }

  fixed32(field: number, value: number | bigint): this {
    this.tag(field, 5);
    this.reserve(4);
    this.at = this.buffer.writeUInt32LE(Number(BigInt.asUintN(32, BigInt(value))), this.at);
    return this;
  }

  fixed64(field: number, value: number | bigint): this {
    this.tag(field, 1);
    this.reserve(8);
    this.at = this.buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), this.at);
    return this;
  }

  float(field: number, value: number): this {
    this.tag(field, 5);
    this.reserve(4);
    this.at = this.buffer.writeFloatLE(value, this.at);
    return this;
  }

  double(field: number, value: number): this {
    this.tag(field, 1);
    this.reserve(8);
    this.at = this.buffer.writeDoubleLE(value, this.at);
    return this;
  }

  /** A group's content between its two tags. */
  group(field: number, content: ProtoWriter): this {
    this.tag(field, 3);
    this.raw(content.finish());
    this.tag(field, 4);
    return this;
  }

  /** Bytes that are fields already. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  private tag(field: number, wireType: number): void {
    this.varint(BigInt(field * 8 + wireType));
  }

  private varint(value: bigint): void {
    this.reserve(10);
    for (; value > 0x7fn; value >>= 7n) this.buffer[this.at++] = Number(value & 0x7fn) | 0x80;
    this.buffer[this.at++] = Number(value);
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + bytes));
    larger.set(this.buffer.subarray(0, this.at));
    this.buffer = larger;
  }
}
