/**
 * Header blocks that were decoded before, found by their bytes: peers that settle on indexed fields send the same few bytes for every
 * request, and decoding those means finding them (a tenth of the cost, and the same list object comes out, which encoders know again).
 *
 * A block that looks into the dynamic table means what it meant only while that table stands still; `generation` says so.
 * Direct-mapped and filled on the second sight only, so that blocks with a fresh value in them cost a hash and no copy.
 */
const slotCount = 64;
/** Longer blocks hold values that do not come again. */
const longestBytes = 512;

/** The block makes no use of the dynamic table: valid for ever. */
export const anyGeneration = -1;

interface CachedBlock {
  readonly bytes: Uint8Array;
  readonly generation: number;
  readonly list: readonly string[];
}

export class BlockCache {
  // Made with the first block, so that a connection without requests has none.
  private blocks: (CachedBlock | undefined)[] | undefined;
  private sights: Int32Array | undefined;
  private lastHash = 0;

  /** What [start,end) was decoded to; to be asked before each {@link put}. */
  find(bytes: Uint8Array, start: number, end: number, generation: number): readonly string[] | undefined {
    if (end - start > longestBytes) return undefined;
    const hash = (this.lastHash = hashOf(bytes, start, end));
    const block = this.blocks?.[hash & (slotCount - 1)];
    if (block === undefined || (block.generation !== generation && block.generation !== anyGeneration)) return undefined;
    return equals(block.bytes, bytes, start, end) ? block.list : undefined;
  }

  /** Remembers the block last asked for with {@link find}, if it has been seen before. */
  put(bytes: Uint8Array, start: number, end: number, generation: number, list: readonly string[]): void {
    if (end - start > longestBytes) return;
    this.sights ??= new Int32Array(slotCount);
    this.blocks ??= new Array<CachedBlock | undefined>(slotCount).fill(undefined);
    const slot = this.lastHash & (slotCount - 1);
    if (this.sights[slot] !== this.lastHash) {
      this.sights[slot] = this.lastHash;
      return;
    }
    // Not slice(): that of a Buffer is a view, and the read buffer will be overwritten.
    this.blocks[slot] = { bytes: new Uint8Array(bytes.subarray(start, end)), generation, list };
  }
}

/** Four bytes a step, since each multiplication waits for the one before. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const four = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = Math.imul(hash ^ four, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

function equals(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
