/**
 * Bytes made worse: the changes that find bugs in parsers, from a seed, so that every run can be repeated.
 *
 * The trap: nothing here may use Math.random, or a failure that was found cannot be found again.
 */

/** Random numbers from a seed (mulberry32). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** 32 random bits. */
  bits(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0 to below `limit`. */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.bits() % limit;
  }

  /** Small mostly, large sometimes. */
  skewed(limit: number): number {
    return this.below(1 + this.below(1 + this.below(limit)));
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

const interestingBytes = [0x00, 0x01, 0x0a, 0x0d, 0x1f, 0x20, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0x81, 0xc0, 0xfe, 0xff];

const changes: readonly ((bytes: Buffer, random: Random, others: readonly Buffer[], words: readonly Buffer[]) => Buffer)[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length);
    if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << random.below(8));
    return bytes;
  },
  function setByte(bytes, random) {
    const at = random.below(bytes.length);
    if (at < bytes.length) bytes[at] = random.chance(2) ? random.pick(interestingBytes) : random.below(256);
    return bytes;
  },
  function step(bytes, random) {
    const at = random.below(bytes.length);
    if (at < bytes.length) bytes[at] = bytes[at]! + (random.chance(2) ? 1 : -1);
    return bytes;
  },
  function remove(bytes, random) {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.skewed(bytes.length - at))]);
  },
  function repeat(bytes, random) {
    const at = random.below(bytes.length);
    const part = bytes.subarray(at, at + 1 + random.skewed(bytes.length - at));
    const times = 1 + random.skewed(8);
    return Buffer.concat([bytes.subarray(0, at), ...Array<Buffer>(times).fill(part), bytes.subarray(at)]);
  },
  function insertBytes(bytes, random) {
    const at = random.below(bytes.length + 1);
    const inserted = Buffer.from(Array.from({ length: 1 + random.skewed(16) }, () => random.below(256)));
    return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
  },
  function insertWord(bytes, random, _others, words) {
    if (words.length === 0) return bytes;
    const at = random.below(bytes.length + 1);
    const over = random.chance(2) ? random.skewed(8) : 0;
    return Buffer.concat([bytes.subarray(0, at), random.pick(words), bytes.subarray(at + over)]);
  },
  function cut(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length + 1));
  },
  function splice(bytes, random, others) {
    if (others.length === 0) return bytes;
    const other = random.pick(others);
    return Buffer.concat([bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length))]);
  },
  function move(bytes, random) {
    const from = random.below(bytes.length);
    const part = bytes.subarray(from, from + 1 + random.skewed(bytes.length - from));
    const rest = Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + part.length)]);
    const to = random.below(rest.length + 1);
    return Buffer.concat([rest.subarray(0, to), part, rest.subarray(to)]);
  },
];

/** A changed copy of `bytes`: one change mostly, several sometimes. `words` are byte strings that mean something to the parser. */
export function mutate(bytes: Buffer, random: Random, others: readonly Buffer[] = [], words: readonly Buffer[] = []): Buffer {
  let changed = Buffer.from(bytes);
  const times = 1 + random.skewed(6);
  for (let i = 0; i < times; i++) changed = Buffer.from(random.pick(changes)(changed, random, others, words));
  return changed;
}

/** `bytes` in pieces, as a network may deliver them. */
export function fragment(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  const longest = random.pick([1, 3, 16, 100, 5000]);
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 1 + random.below(longest));
    pieces.push(Buffer.from(bytes.subarray(at, end)));
    at = end;
  }
  return pieces;
}
