/**
 * One message, in the form it arrived in; converted at most once, on demand, straight from bytes to bytes.
 *
 * The trap: `wireView` and `jsonView` may point into the codec's scratch buffer and are valid only until the next conversion on this
 * thread: for a writer that copies at once. Whoever keeps the bytes asks for `wire` or `json`.
 */
import type { MessageType } from "./message-type.ts";
import { noteOutsideMemory } from "./outside-memory.ts";

/** Compressed protobuf bytes, with the way to open them. */
export interface Compressed {
  /** The gRPC message encoding: "gzip", "br"... */
  readonly encoding: string;
  readonly bytes: Uint8Array;
  /** @throws CallError when it cannot be opened or is larger than the limit. */
  open(): Uint8Array;
}

export class Payload {
  readonly type: MessageType;
  private wireBytes: Uint8Array | undefined;
  private jsonBytes: Uint8Array | undefined;
  /** The compressed form, while it is the only one: passed on untouched where the other side takes it. */
  readonly compressed: Compressed | undefined;

  constructor(type: MessageType, wire: Uint8Array | undefined, json: Uint8Array | undefined, compressed?: Compressed) {
    this.type = type;
    this.wireBytes = wire;
    this.jsonBytes = json;
    this.compressed = compressed;
  }

  /** From protobuf bytes, which belong to the payload from here on. */
  static ofWire(type: MessageType, wire: Uint8Array): Payload {
    return new Payload(type, wire, undefined);
  }

  /** From JSON text in UTF-8, which belongs to the payload from here on. */
  static ofJson(type: MessageType, json: Uint8Array): Payload {
    return new Payload(type, undefined, json);
  }

  static ofCompressed(type: MessageType, compressed: Compressed): Payload {
    return new Payload(type, undefined, undefined, compressed);
  }

  /** Bytes of the message in the form it is held in. */
  get sizeBytes(): number {
    return (this.wireBytes ?? this.jsonBytes ?? this.compressed!.bytes).length;
  }

  /** Protobuf bytes, to keep. @throws CodecError when the JSON it came as does not fit the type. */
  wire(): Uint8Array {
    return (this.wireBytes ??=
      this.jsonBytes === undefined ? this.compressed!.open() : owned(this.type.codec().jsonToWire(this.jsonBytes)));
  }

  /** Canonical ProtoJSON in UTF-8, to keep. @throws CodecError when the bytes do not fit the type. */
  json(): Uint8Array {
    return (this.jsonBytes ??= owned(this.type.codec().wireToJson(this.wire())));
  }

  /** Protobuf bytes, valid until the next conversion on this thread. */
  wireView(): Uint8Array {
    if (this.wireBytes !== undefined) return this.wireBytes;
    return this.jsonBytes === undefined ? this.wire() : this.type.codec().jsonToWire(this.jsonBytes);
  }

  /** Canonical ProtoJSON, valid until the next conversion on this thread. */
  jsonView(): Uint8Array {
    return this.jsonBytes ?? this.type.codec().wireToJson(this.wire());
  }
}

function owned(view: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(view.length);
  noteOutsideMemory(copy.length);
  copy.set(view);
  return copy;
}
