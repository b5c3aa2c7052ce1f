/**
 * Turns flat lists of names and values into header blocks (RFC 7541).
 *
 * The table is insert-only: entries are never evicted, insertion stops when it is full, and what is inserted has been seen before. So it
 * settles after a few messages, and then the bytes of a list that comes again (the same object) are copied from the last time. Two traps:
 * cached bytes with dynamic indices are valid for one state of the table only, since every insertion shifts them; and a list's identity is only
 * a hint: its strings are compared before cached bytes go out, so a list that was changed in between is encoded anew.
 */
import { HpackError } from "./hpack-error.ts";
import { maxIntegerBytes, writeInteger } from "./hpack-integer.ts";
import { huffmanLength, writeHuffman } from "./huffman-encode.ts";
import { firstDynamic, KnownField } from "./known-field.ts";
import { isLatin1, writeLatin1 } from "./latin1.ts";
import { isRepeating } from "./repeating-lists.ts";

/** What a peer's table has until its settings say otherwise (RFC 9113, section 6.5.2). */
const protocolTableBytes = 4096;
const entryOverheadBytes = 32;

const maxNames = 256;
/** Values of one name in the table: more means that the name is not one whose values settle. */
const maxValues = 8;
const maxValuesOfRepeatingLists = 24;

const maxBlocks = 256;
/** Longer lists are encoded each time; few repeat, and they would be kept alive here. */
const longestCachedBytes = 2048;

/** Insertions that a full table may refuse before it is emptied, so that a connection of days is not stuck with the values of its first minute. */
const refusalsBeforeRenewal = 20_000;

const fieldBoundBytes = 1 + 2 * maxIntegerBytes;
const sizeUpdatesBoundBytes = 2 * maxIntegerBytes;
/** Up to this many bytes a loop is cheaper than the call of a native copy. */
const loopCopyBytes = 48;

// First bits of the representations (RFC 7541, section 6).
const indexed = 0x80;
const inserted = 0x40;
const sizeUpdate = 0x20;
const neverIndexed = 0x10;
const notIndexed = 0x00;

interface EncodedList {
  /** The strings the bytes stand for: the list may have been changed since. */
  readonly strings: readonly string[];
  bytes: Uint8Array;
  /** State of the table the bytes are valid for. */
  generation: number;
}

export class HpackEncoder {
  private readonly maxTableBytes: number;
  /** Bytes we let the table hold: never above what the peer allows. */
  private capacityBytes: number;
  /** The limit the peer's decoder works with: evictions happen there when it is passed, so we never do. */
  private signalledBytes = protocolTableBytes;
  private peerBytes = protocolTableBytes;
  private lowestPeerBytes = protocolTableBytes;
  private renewalDue = false;

  private readonly fields = new Map<string, KnownField>();
  private readonly blocks = new Map<readonly string[], EncodedList>();
  private usedBytes = 0;
  /** Position of the next entry to be inserted. */
  private nextPosition = firstDynamic;
  private refusals = 0;
  /** Never takes the same value twice, so a cached block of a state that was rolled back cannot be mistaken for valid. */
  private generation = 0;

  /** State at the start of the block, restored when a list of it cannot be encoded. */
  private markPosition = firstDynamic;
  private markUsedBytes = 0;
  private markSignalledBytes = protocolTableBytes;
  private markLowestPeerBytes = protocolTableBytes;
  private markCleared = false;

  /** @param options.maxTableBytes our own bound, whatever the peer allows. */
  constructor(options: { maxTableBytes: number }) {
    this.maxTableBytes = options.maxTableBytes;
    this.capacityBytes = Math.min(protocolTableBytes, options.maxTableBytes);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. Takes effect with the next block, which says so (RFC 7541, section 4.2). */
  setPeerTableSize(bytes: number): void {
    this.peerBytes = bytes;
    if (bytes < this.lowestPeerBytes) this.lowestPeerBytes = bytes;
  }

  /** Bytes that `begin` and `encode` of this list need at most, in whatever state the table is. */
  bound(list: readonly string[]): number {
    let bytes = sizeUpdatesBoundBytes;
    for (let i = 0; i < list.length; i += 2) bytes += list[i]!.length + list[i + 1]!.length + fieldBoundBytes;
    return bytes;
  }

  /**
   * Starts a block: writes the table size updates that are due. What is encoded from here on must be sent, in this order, unless `encode`
   * throws: the peer's table has to follow ours.
   */
  begin(out: Uint8Array, at: number): number {
    this.markPosition = this.nextPosition;
    this.markUsedBytes = this.usedBytes;
    this.markSignalledBytes = this.signalledBytes;
    this.markLowestPeerBytes = this.lowestPeerBytes;
    this.markCleared = false;
    const wanted = Math.min(this.peerBytes, this.maxTableBytes);
    if (this.lowestPeerBytes >= this.signalledBytes && wanted <= this.signalledBytes && !this.renewalDue) return at;
    return this.writeSizeUpdates(out, at, wanted);
  }

  /**
   * Appends `list` (names in lower case and values in turn) to the block.
   *
   * @returns the offset after it
   * @throws HpackError WIDE_CHARACTER; the whole block is then undone in the table, and must not be sent.
   */
  encode(list: readonly string[], out: Uint8Array, at: number): number {
    if (list.length === 0) return at;
    const known = this.blocks.get(list);
    // A list that has changed is one that somebody writes to: nothing of it is worth remembering.
    const repeats = known === undefined ? isRepeating(list) : sameStrings(known.strings, list);
    if (!repeats) return this.writeFields(list, out, at, false);
    if (known !== undefined && known.generation === this.generation) return copy(known.bytes, out, at);

    const { generation } = this;
    const end = this.writeFields(list, out, at, true);
    // A block that inserts must not be sent twice; the next time it will be all indices.
    // Copied by hand: slice() of a Buffer would be a view of bytes that are soon overwritten.
    if (generation === this.generation && end - at <= longestCachedBytes) this.remember(list, new Uint8Array(out.subarray(at, end)));
    return end;
  }

  private remember(list: readonly string[], bytes: Uint8Array): void {
    if (this.blocks.size >= maxBlocks) this.blocks.clear();
    this.blocks.set(list, { strings: list.slice(), bytes, generation: this.generation });
  }

  private writeFields(list: readonly string[], out: Uint8Array, at: number, repeats: boolean): number {
    for (let i = 0; i < list.length; i += 2) {
      const name = list[i]!;
      const value = list[i + 1]!;
      const field = this.fields.get(name) ?? this.learn(name);
      const position = field.find(value);
      if (position !== 0 && field.trait !== "secret") at = writeInteger(out, at, this.indexOf(position), 7, indexed);
      else at = this.writeLiteral(field, value, out, at, repeats);
    }
    return at;
  }

  private writeLiteral(field: KnownField, value: string, out: Uint8Array, at: number, repeats: boolean): number {
    if (!isLatin1(value)) this.fail(`the value of ${JSON.stringify(field.name)}`);
    const namePosition = field.namePosition;
    const nameIndex = namePosition === 0 ? 0 : this.indexOf(namePosition);
    const insert = field.deservesIndex(value, repeats) && this.insert(field, value, repeats);
    if (insert) at = writeInteger(out, at, nameIndex, 6, inserted);
    else at = writeInteger(out, at, nameIndex, 4, field.trait === "secret" ? neverIndexed : notIndexed);
    if (nameIndex === 0) at = writeString(field.name, out, at, repeats);
    return writeString(value, out, at, repeats);
  }

  /** A dynamic entry's index counts from the newest one (RFC 7541, section 2.3.3). */
  private indexOf(position: number): number {
    return position < firstDynamic ? position : firstDynamic + this.nextPosition - 1 - position;
  }

  private insert(field: KnownField, value: string, repeats: boolean): boolean {
    // An entry nobody remembers would shift the others for nothing.
    if (this.fields.get(field.name) !== field || field.insertedCount >= (repeats ? maxValuesOfRepeatingLists : maxValues)) return false;
    const sizeBytes = field.name.length + value.length + entryOverheadBytes;
    if (this.usedBytes + sizeBytes > this.capacityBytes) {
      if (++this.refusals >= refusalsBeforeRenewal && this.usedBytes > 0) this.renewalDue = true;
      return false;
    }
    field.add(value, this.nextPosition++);
    this.usedBytes += sizeBytes;
    this.generation++;
    return true;
  }

  private learn(name: string): KnownField {
    if (!isLatin1(name)) this.fail("a field name");
    if (this.fields.size >= maxNames) for (const [old, { insertedCount }] of this.fields) if (insertedCount === 0) this.fields.delete(old);
    const field = new KnownField(name);
    if (this.fields.size < maxNames) this.fields.set(name, field);
    return field;
  }

  /**
   * Empties the table on both sides and sets its new limit. Size 0 first: it is a legal minimum whatever the peer's settings were in between,
   * needs no evictions to be followed here, and Go's decoder refuses a second update while the table holds entries.
   */
  private writeSizeUpdates(out: Uint8Array, at: number, wanted: number): number {
    this.forgetFrom(firstDynamic);
    this.usedBytes = 0;
    this.refusals = 0;
    this.renewalDue = false;
    this.markCleared = true;
    this.capacityBytes = this.signalledBytes = wanted;
    this.lowestPeerBytes = this.peerBytes;
    at = writeInteger(out, at, 0, 5, sizeUpdate);
    return wanted === 0 ? at : writeInteger(out, at, wanted, 5, sizeUpdate);
  }

  private forgetFrom(position: number): void {
    this.generation++;
    for (const field of this.fields.values()) field.forgetFrom(position);
    this.nextPosition = position;
  }

  /** Undoes the block: what it would have put into the peer's table must not be in ours. */
  private fail(what: string): never {
    if (this.markCleared) {
      // The peer still has its old entries, and still waits for its size update: both are settled by the same updates, in the next block.
      this.forgetFrom(firstDynamic);
      this.usedBytes = 0;
      this.signalledBytes = this.markSignalledBytes;
      this.lowestPeerBytes = this.markLowestPeerBytes;
      this.renewalDue = true;
    } else {
      this.forgetFrom(this.markPosition);
      this.usedBytes = this.markUsedBytes;
    }
    throw new HpackError("WIDE_CHARACTER", `${what} holds a character that is no byte`);
  }
}

function writeString(text: string, out: Uint8Array, at: number, repeats: boolean): number {
  // Huffman saves a quarter of the bytes for 3 ns each: a bargain when they are copied many times, a loss when they are sent once to a
  // neighbour.
  if (repeats) {
    const length = huffmanLength(text);
    if (length < text.length) return writeHuffman(out, writeInteger(out, at, length, 7, 0x80), text);
  }
  return writeLatin1(out, writeInteger(out, at, text.length, 7, 0), text);
}

function copy(bytes: Uint8Array, out: Uint8Array, at: number): number {
  const { length } = bytes;
  if (length > loopCopyBytes) out.set(bytes, at);
  else for (let i = 0; i < length; i++) out[at + i] = bytes[i]!;
  return at + length;
}

function sameStrings(known: readonly string[], list: readonly string[]): boolean {
  if (known.length !== list.length) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== list[i]) return false;
  return true;
}
