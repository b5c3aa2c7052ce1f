/** HTTP/2 frames as raw material: made, taken apart, and changed frame by frame, so that more than the frame reader is reached. */
import { HpackEncoder } from "../../src/wire/http2/hpack/hpack-encoder.ts";
import { mutate, type Random } from "./mutate.ts";

export const type = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

export const flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

export function frame(kind: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = kind;
  head[4] = flags;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = pairs.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 0xff]), uint32(value)]));
  return frame(type.settings, 0, 0, Buffer.concat(payload));
}

/** A header block that needs no table. */
export function block(...list: string[]): Buffer {
  const encoder = new HpackEncoder({ maxTableBytes: 0 });
  const out = Buffer.alloc(encoder.bound(list));
  return out.subarray(0, encoder.encode(list, out, encoder.begin(out, 0)));
}

/** Whole frames of `bytes`; the rest is one more with type -1. */
export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  let at = 0;
  while (at + 9 <= bytes.length) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, stream: bytes.readUInt32BE(at + 5), payload: bytes.subarray(at + 9, end) });
    at = end;
  }
  if (at < bytes.length) frames.push({ type: -1, flags: 0, stream: 0, payload: bytes.subarray(at) });
  return frames;
}

export function bytesOf(frames: readonly Frame[]): Buffer {
  return Buffer.concat(frames.map((one) => (one.type < 0 ? one.payload : frame(one.type, one.flags, one.stream, one.payload))));
}

const interestingNumbers = [0, 1, 2, 100, 16_383, 16_384, 65_535, 0x7fffffff, 0x80000000, 0xffffffff];

function anyFrame(random: Random): Frame {
  const stream = random.pick([0, 1, 1, 3, 5, 2, 7, 0x7fffffff]);
  const number = random.pick(interestingNumbers);
  return random.pick<() => Frame>([
    () => ({ type: type.data, flags: random.below(16), stream, payload: Buffer.alloc(random.skewed(200), 0x61) }),
    () => ({ type: type.headers, flags: random.pick([0, 1, 4, 5, 0x25, 0x0d]), stream, payload: block("x-trailer", "1") }),
    () => ({ type: type.continuation, flags: random.pick([0, 4]), stream, payload: block("x-more", "1") }),
    () => ({ type: type.priority, flags: 0, stream, payload: Buffer.concat([uint32(random.below(8)), Buffer.from([16])]) }),
    () => ({ type: type.reset, flags: 0, stream, payload: uint32(random.below(16)) }),
    () => framesOf(settings([random.below(9), number]))[0]!,
    () => ({ type: type.ping, flags: random.below(2), stream: 0, payload: Buffer.alloc(8, 1) }),
    () => ({
      type: type.goaway,
      flags: 0,
      stream: 0,
      payload: Buffer.concat([uint32(number), uint32(random.below(16)), Buffer.from("why")]),
    }),
    () => ({ type: type.window, flags: 0, stream, payload: uint32(number) }),
    () => ({ type: random.below(256), flags: random.below(256), stream, payload: Buffer.alloc(random.skewed(40)) }),
  ])();
}

/** Changes whole frames: order, type, flags, stream, payload. */
export function mutateFrames(input: Buffer, random: Random): Buffer {
  const frames = framesOf(input).map((one) => ({ ...one }));
  const times = 1 + random.skewed(5);
  for (let i = 0; i < times; i++) {
    const at = random.below(frames.length);
    const one = frames[at];
    if (one === undefined || random.chance(4)) {
      frames.splice(random.below(frames.length + 1), 0, anyFrame(random));
      continue;
    }
    random.pick([
      () => frames.splice(at, 1),
      () => frames.splice(random.below(frames.length + 1), 0, ...Array.from({ length: 1 + random.skewed(4) }, () => ({ ...one }))),
      () => frames.splice(random.below(frames.length), 0, ...frames.splice(at, 1)),
      () => (one.type = random.below(10)),
      () => (one.flags ^= 1 << random.below(8)),
      () => (one.stream = random.pick([0, one.stream + 1, one.stream + 2, one.stream - 2, 1, 3, 2, 0x7fffffff])),
      () => (one.payload = mutate(one.payload, random)),
      () => splitBlock(frames, at, random),
    ])();
  }
  return bytesOf(frames);
}

/** HEADERS becomes HEADERS and CONTINUATION. */
function splitBlock(frames: Frame[], at: number, random: Random): void {
  const one = frames[at]!;
  const cut = random.below(one.payload.length + 1);
  const rest: Frame = {
    type: type.continuation,
    flags: one.flags & flag.endHeaders,
    stream: one.stream,
    payload: one.payload.subarray(cut),
  };
  one.payload = one.payload.subarray(0, cut);
  one.flags &= ~flag.endHeaders;
  frames.splice(at + 1, 0, rest);
}
