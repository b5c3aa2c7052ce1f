/** Huffman coding of header strings (RFC 7541, section 5.2). Worth its cost only for bytes that are encoded once and sent many times. */
import { codeBits, codes } from "./huffman-code.ts";

const bitsOf = Uint8Array.from(codeBits);
const codeOf = Uint32Array.from(codes);

/** Bytes that the coded form of `text`, which must be latin1, takes. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += bitsOf[text.charCodeAt(i)]!;
  return (bits + 7) >> 3;
}

/** Writes the coded form of `text`, which must be latin1, padded with ones; returns the offset after it. */
export function writeHuffman(out: Uint8Array, at: number, text: string): number {
  // Up to 7 bits wait for the next code, and codes have up to 30: more than 32 together, so long codes are added in two parts.
  let waiting = 0;
  let waitingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    let code = codeOf[symbol]!;
    let bits = bitsOf[symbol]!;
    if (bits > 24) {
      bits -= 16;
      const high = code >>> 16;
      code &= 0xffff;
      waiting = (waiting << bits) | high;
      waitingBits += bits;
      while (waitingBits >= 8) out[at++] = waiting >>> (waitingBits -= 8);
      bits = 16;
    }
    waiting = (waiting << bits) | code;
    waitingBits += bits;
    while (waitingBits >= 8) out[at++] = waiting >>> (waitingBits -= 8);
  }
  if (waitingBits > 0) out[at++] = (waiting << (8 - waitingBits)) | (0xff >> waitingBits);
  return at;
}
