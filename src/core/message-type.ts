/**
 * What the rest of the house needs to know of a message type: its name, and how to turn its two forms into one another.
 *
 * The trap is in {@link Codec}: results are views of a scratch buffer shared by the thread. Copy them, or use them before the next call.
 */

/** How messages are printed as, and read from, JSON. The default is canonical ProtoJSON. */
export interface JsonProfile {
  /** Print fields that hold their default. */
  readonly emitDefaults: boolean;
  /** Print field names as in the .proto file instead of lowerCamelCase. */
  readonly protoNames: boolean;
  /** Print enum values as numbers. */
  readonly enumNumbers: boolean;
  /** Skip unknown fields in JSON input instead of refusing them. */
  readonly ignoreUnknown: boolean;
  /** Print 64-bit integers as numbers where every reader of JSON keeps them (up to 2^53-1 either way); larger ones stay strings. */
  readonly int64Numbers: boolean;
  /** Print enum values without the prefix that repeats their enum's name, and read them either way. */
  readonly stripEnumPrefix: boolean;
  /** Read enum names in any case. */
  readonly caseInsensitiveEnums: boolean;
}

export const canonicalJson: JsonProfile = Object.freeze({
  emitDefaults: false,
  protoNames: false,
  enumNumbers: false,
  ignoreUnknown: false,
  int64Numbers: false,
  stripEnumPrefix: false,
  caseInsensitiveEnums: false,
});

/** The profile as a number: there are so many profiles, whatever objects they come in. 0 is canonical. */
export function profileBits(profile: JsonProfile): number {
  return (
    (profile.emitDefaults ? 1 : 0) |
    (profile.protoNames ? 2 : 0) |
    (profile.enumNumbers ? 4 : 0) |
    (profile.ignoreUnknown ? 8 : 0) |
    (profile.int64Numbers ? 16 : 0) |
    (profile.stripEnumPrefix ? 32 : 0) |
    (profile.caseInsensitiveEnums ? 64 : 0)
  );
}

export interface Codec {
  /**
   * JSON text (UTF-8) -> protobuf bytes.
   * @returns a view of the thread's scratch buffer, valid until the next call of any codec.
   * @throws CodecError with field path and offset
   */
  jsonToWire(json: Uint8Array): Uint8Array;
  /** Protobuf bytes -> JSON text (UTF-8), under the same rules. */
  wireToJson(wire: Uint8Array): Uint8Array;
}

export interface MessageType {
  /** Full name without a leading dot: "shop.v1.Order". */
  readonly name: string;
  /** The codec for a profile; compiled on first use and kept. */
  codec(profile?: JsonProfile): Codec;
}

/** Input that a codec refuses. `message` says what is wrong in the words of JSON or protobuf; it is fit for the caller to read. */
export class CodecError extends Error {
  override readonly name = "CodecError";
  /** Path of the field in the message: `items[2].sku`; "" for the message itself. */
  readonly path: string;
  /** Offset in the input bytes where reading stopped. */
  readonly offset: number;
  /** The name that was not found, when the fault is an unknown field. */
  readonly unknownField: string | undefined;

  constructor(message: string, path: string, offset: number, unknownField?: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.path = path;
    this.offset = offset;
    this.unknownField = unknownField;
  }
}
