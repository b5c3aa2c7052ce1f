/** HPACK decoding as RFC 7541 tells it, with no thought for speed: what the real decoder is compared with. */
import { codeBits, codes, endOfString } from "../../src/wire/http2/hpack/huffman-code.ts";
import { staticNames, staticValues } from "../../src/wire/http2/hpack/static-table.ts";

const symbols = new Map<string, number>();
for (const [symbol, bits] of codeBits.entries()) symbols.set(codes[symbol]!.toString(2).padStart(bits, "0"), symbol);

export class NaiveDecoder {
  private readonly table: (readonly [string, string])[] = [];
  private limitBytes = 4096;
  private readonly maxBytes: number;
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** @throws Error when the block is malformed. */
  decode(block: Buffer): string[] {
    this.bytes = block;
    this.at = 0;
    const list: string[] = [];
    let fields = 0;
    while (this.at < block.length) {
      const first = block[this.at]!;
      if ((first & 0xe0) === 0x20) {
        if (fields > 0) throw new Error("late size update");
        this.limitBytes = this.integer(5);
        if (this.limitBytes > this.maxBytes) throw new Error("size update too large");
        this.evict();
        continue;
      }
      fields++;
      if ((first & 0x80) !== 0) {
        list.push(...this.entry(this.integer(7)));
        continue;
      }
      const insert = (first & 0x40) !== 0;
      const index = this.integer(insert ? 6 : 4);
      const name = index === 0 ? this.string() : this.entry(index)[0];
      const value = this.string();
      list.push(name, value);
      if (!insert) continue;
      this.table.unshift([name, value]);
      this.evict();
    }
    return list;
  }

  private evict(): void {
    const size = (): number => this.table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (size() > this.limitBytes) this.table.pop();
  }

  private entry(index: number): readonly [string, string] {
    const entry =
      index < staticNames.length ? ([staticNames[index]!, staticValues[index]!] as const) : this.table[index - staticNames.length];
    if (index === 0 || entry === undefined) throw new Error("bad index");
    return entry;
  }

  private byte(): number {
    if (this.at >= this.bytes.length) throw new Error("truncated");
    return this.bytes[this.at++]!;
  }

  private integer(prefixBits: number): number {
    const full = 2 ** prefixBits - 1;
    let value = this.byte() & full;
    if (value < full) return value;
    for (let power = 0; power < 4; power++) {
      const byte = this.byte();
      value += (byte & 127) * 128 ** power;
      if (byte < 128) return value;
    }
    throw new Error("integer too large");
  }

  private string(): string {
    const coded = this.at < this.bytes.length && this.bytes[this.at]! >= 0x80;
    const length = this.integer(7);
    if (this.at + length > this.bytes.length) throw new Error("truncated");
    const raw = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return coded ? huffman(raw) : raw.toString("latin1");
  }
}

function huffman(raw: Buffer): string {
  let text = "";
  let code = "";
  for (const byte of raw) {
    for (const bit of byte.toString(2).padStart(8, "0")) {
      code += bit;
      const symbol = symbols.get(code);
      if (symbol === undefined) continue;
      if (symbol === endOfString) throw new Error("EOS");
      text += String.fromCharCode(symbol);
      code = "";
    }
  }
  if (code.length > 7 || code.includes("0")) throw new Error("bad padding");
  return text;
}
