/**
 * Turns header blocks into flat lists of names and values (RFC 7541).
 *
 * Two traps. A block must be decoded to its end whatever becomes of it, or the table is out of step: that is why a list over the limit is no
 * error here but `lastBlockTooLarge`. And lists are shared: the same block gives the same list, so nobody may write to one.
 * Whether names and values are legal is not checked here; that is the engine's task (RFC 9113, section 8.2.1).
 */
import { anyGeneration, BlockCache } from "./block-cache.ts";
import { DynamicTable } from "./dynamic-table.ts";
import { HpackError } from "./hpack-error.ts";
import { readInteger, type Cursor } from "./hpack-integer.ts";
import { decodeHuffman, maxDecodedLength } from "./huffman-decode.ts";
import { readLatin1 } from "./latin1.ts";
import { staticCount, staticNames, staticValues } from "./static-table.ts";
import { pooledString } from "./string-pool.ts";

/** What a peer assumes until it has seen our settings (RFC 9113, section 6.5.2). */
const protocolTableBytes = 4096;
/** What a field counts beside its characters (RFC 9113, section 10.5.1). */
const fieldOverheadBytes = 32;

const emptyList: readonly string[] = Object.freeze([]);

// Shared by the decoders of the thread: decoding is never interrupted.
const cursor: Cursor = { bytes: new Uint8Array(0), at: 0, end: 0 };
const keptScratchBytes = 16 * 1024;
const keptScratch = new Uint8Array(keptScratchBytes);
const nothing = new Uint8Array(0);

export class HpackDecoder {
  /** The last block held more than `maxListBytes` or `maxFields`; what `decode` returned is the part below the limits. */
  lastBlockTooLarge = false;
  /** The last block was one that comes again and again: what is derived from its list is worth keeping. */
  lastBlockKnown = false;

  private readonly maxTableBytes: number;
  private readonly maxListBytes: number;
  private readonly maxFields: number;
  private readonly table = new DynamicTable(protocolTableBytes);
  private readonly cache = new BlockCache();
  private usedTable = false;

  /**
   * @param options.maxTableBytes what we announce as SETTINGS_HEADER_TABLE_SIZE: the bound for size updates. The table starts at 4096 all the
   * same, as a peer does that has not seen our settings yet.
   * @param options.maxListBytes bound of one list: names, values and 32 bytes a field.
   */
  constructor(options: { maxTableBytes: number; maxListBytes: number; maxFields: number }) {
    this.maxTableBytes = options.maxTableBytes;
    this.maxListBytes = options.maxListBytes;
    this.maxFields = options.maxFields;
  }

  /** Bytes the dynamic table holds, for limits and tests. */
  get tableBytes(): number {
    return this.table.sizeBytes;
  }

  /**
   * Decodes one complete header block, [start,end) of `bytes`, to `[name, value, ...]`.
   *
   * @throws HpackError; the connection cannot go on after it.
   */
  decode(bytes: Uint8Array, start: number, end: number): readonly string[] {
    this.lastBlockTooLarge = false;
    const { table, cache } = this;
    const { generation } = table;
    const known = cache.find(bytes, start, end, generation);
    this.lastBlockKnown = known !== undefined;
    if (known !== undefined) return known;

    this.usedTable = false;
    cursor.bytes = bytes;
    cursor.at = start;
    cursor.end = end;
    const list = this.readFields();
    cursor.bytes = nothing;

    if (table.generation === generation && !this.lastBlockTooLarge) {
      cache.put(bytes, start, end, this.usedTable ? generation : anyGeneration, list);
    }
    return list;
  }

  private readFields(): readonly string[] {
    const { table, maxListBytes, maxFields } = this;
    if (cursor.at === cursor.end) return emptyList;
    this.readSizeUpdates();
    const list: string[] = [];
    let listBytes = 0;
    while (cursor.at < cursor.end) {
      const first = cursor.bytes[cursor.at++]!;
      let name: string;
      let value: string;
      if (first >= 0x80) {
        const index = readInteger(cursor, first, 7);
        if (index === 0) throw new HpackError("BAD_INDEX", "index 0 in a header block");
        name = this.nameAt(index);
        value = index <= staticCount ? staticValues[index]! : table.valueAt(index - staticCount - 1);
      } else if (first >= 0x40) {
        name = this.readName(first, 6);
        value = readString(true);
        table.insert(name, value);
      } else if (first >= 0x20) {
        throw new HpackError("LATE_TABLE_SIZE", "table size update after the first field of a header block");
      } else {
        name = this.readName(first, 4);
        value = readString(first < 0x10);
      }
      if (this.lastBlockTooLarge) continue;
      listBytes += name.length + value.length + fieldOverheadBytes;
      if (listBytes > maxListBytes || list.length >= maxFields * 2) this.lastBlockTooLarge = true;
      else list.push(name, value);
    }
    return list;
  }

  private readSizeUpdates(): void {
    while (cursor.at < cursor.end) {
      const first = cursor.bytes[cursor.at]!;
      if (first < 0x20 || first >= 0x40) return;
      cursor.at++;
      const sizeBytes = readInteger(cursor, first, 5);
      if (sizeBytes > this.maxTableBytes) throw new HpackError("BAD_TABLE_SIZE", `table size update to ${sizeBytes} bytes`);
      this.table.resize(sizeBytes);
      this.usedTable = true;
    }
  }

  private readName(first: number, prefixBits: number): string {
    const index = readInteger(cursor, first, prefixBits);
    return index === 0 ? readString(true) : this.nameAt(index);
  }

  private nameAt(index: number): string {
    if (index <= staticCount) return staticNames[index]!;
    this.usedTable = true;
    const age = index - staticCount - 1;
    if (age >= this.table.length) throw new HpackError("BAD_INDEX", `index ${index} beyond the end of the table`);
    return this.table.nameAt(age);
  }
}

/** Reads a string literal (RFC 7541, section 5.2); `pooled` unless it may be a secret. */
function readString(pooled: boolean): string {
  if (cursor.at >= cursor.end) throw new HpackError("TRUNCATED", "header block ends inside a field");
  const first = cursor.bytes[cursor.at++]!;
  const length = readInteger(cursor, first, 7);
  const { bytes, at } = cursor;
  const end = at + length;
  if (end > cursor.end) throw new HpackError("TRUNCATED", "header block ends inside a string");
  cursor.at = end;
  if (first < 0x80) return pooled ? pooledString(bytes, at, end) : readLatin1(bytes, at, end);
  const most = maxDecodedLength(length);
  const scratch = most <= keptScratchBytes ? keptScratch : new Uint8Array(most);
  const decoded = decodeHuffman(bytes, at, end, scratch);
  return pooled ? pooledString(scratch, 0, decoded) : readLatin1(scratch, 0, decoded);
}
